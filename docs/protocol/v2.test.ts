import { execFile, execFileSync } from "node:child_process";
import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { defaultLimits } from "@synchro/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  startTestServer,
  type TestServer,
} from "../../packages/server/testing/start-test-server.ts";

const page = readFileSync(join(import.meta.dirname, "v2.md"), "utf8");

type Exchange = { readonly command: string; readonly form: string; readonly answer: string };

const exchanges: readonly Exchange[] = Array.from(
  page.matchAll(/```sh\n(curl[\s\S]*?)\n```\n\n```(json|ndjson)\n([\s\S]*?)\n```/g),
  ([, command = "", form = "", answer = ""]) => ({ command, form, answer }),
);

const masks: { readonly [name: string]: string } = {
  cursor: "<cursor>",
  ack: "<ack>",
  now: "<now>",
  kept_at: "<now>",
};

const masked = (text: string): unknown =>
  JSON.parse(text, (name, value: unknown) => {
    if (typeof value !== "string") return value;
    // The sentence names the server's clock.
    if (name === "message" && (value === "<message>" || value.includes("ahead of")))
      return "<message>";
    return masks[name] ?? value;
  });

const parsed = (form: string, text: string): unknown =>
  form === "json" ? masked(text) : text.trimEnd().split("\n").map(masked);

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

/** Runs the command as it stands, on the test's port, while the server runs in this process. */
const run = (command: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const script = command
      .replaceAll("http://127.0.0.1:7100", server.url)
      .replace("curl", "curl -sS");
    execFile("sh", ["-c", script], (error, stdout) => (error ? reject(error) : resolve(stdout)));
  });

describe("the page on /v2", () => {
  test("curl is there (Debian: apt-get install curl)", () => {
    expect(execFileSync("curl", ["--version"], { encoding: "utf8" })).toContain("curl");
  });

  test("every command, in order, is answered as it shows", async () => {
    expect(exchanges.length).toBeGreaterThanOrEqual(7);
    for (const { command, form, answer } of exchanges) {
      const real = parsed(form, await run(command));
      expect({ command, answer: real }).toEqual({ command, answer: parsed(form, answer) });
    }
  });

  test("[DIGEST-1] the worked sum is right", () => {
    const text = "readings\u000004012345678901\u00001";
    expect(hash("sha256", text).slice(0, 16)).toBe("f4a42dba5217605b");
    expect(page).toContain("begins with `f4a42dba5217605b`");
  });

  test("shows the client that the tests run", () => {
    const client = readFileSync(join(import.meta.dirname, "minimal-client.mjs"), "utf8");
    expect(page).toContain(`\`\`\`js\n${client}\`\`\``);
  });

  test("[LIMIT-1] its limits are the server's", () => {
    const MIB = 1024 * 1024;
    expect(defaultLimits).toMatchObject({
      changesMax: 5_000,
      bodyBytesMax: 4 * MIB,
      bodyTokensMax: 150_000,
      valueBytesMax: 256 * 1024,
      valueDepthMax: 32,
      pageRecordsDefault: 1_000,
      pageRecordsMax: 10_000,
      pageBytesMax: 4 * MIB,
      lostBytesMax: 4 * MIB,
      cursorLengthMax: 8_192,
      waitSecondsMax: 60,
      ndjsonRecordsMax: 1_000_000,
      ndjsonMs: 60_000,
      streamIdleMs: 30_000,
    });
  });
});
