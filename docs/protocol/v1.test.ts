import { execFile, execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { defaultLimits } from "@synchro/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FAULTS_TOLD_MAX } from "../../packages/server/src/api/v1/read-sync-request.ts";
import {
  startTestServer,
  type TestServer,
} from "../../packages/server/testing/start-test-server.ts";

const page = readFileSync(join(import.meta.dirname, "v1.md"), "utf8");

type Exchange = { readonly command: string; readonly form: string; readonly answer: string };

const exchanges: readonly Exchange[] = Array.from(
  page.matchAll(/```sh\n(curl[\s\S]*?)\n```\n\n```(json|text)\n([\s\S]*?)\n```/g),
  ([, command = "", form = "", answer = ""]) => ({ command, form, answer }),
);

/** An answer with what differs from run to run masked, and any `<cursor-of-…>` for a plain one. */
const maskedJson = (text: string): unknown =>
  JSON.parse(text, (name, value: unknown) => {
    if (name === "now" && typeof value === "string") return "<now>";
    return name === "cursor" && typeof value === "string" ? "<cursor>" : value;
  });

const maskedEvent = (text: string): unknown =>
  text
    .trim()
    .split("\n")
    .map((line) => {
      const [, field = "", content = ""] = /^(\w+): (.*)$/.exec(line) ?? [];
      return field === "data" ? [field, maskedJson(content)] : [field, content === "" ? "" : "…"];
    });

const masked = (form: string, text: string): unknown =>
  form === "json" ? maskedJson(text) : maskedEvent(text);

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

/** curl's exit code when `--max-time` has ended it: how the page leaves a stream. */
const TIMED_OUT = 28;

/** Runs the command as it stands, on the test's port, while the server runs in this process. */
const run = (command: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const script = command
      .replaceAll("http://127.0.0.1:7100", server.url)
      .replace(/^curl/, "curl -sS");
    execFile("sh", ["-c", script], (error, stdout) => {
      const isLeft = error?.code === TIMED_OUT && command.includes("--max-time");
      if (error !== null && !isLeft) reject(error);
      else resolve(stdout);
    });
  });

const cursorOf = (form: string, text: string): string | undefined =>
  form === "json" ? (JSON.parse(text) as { readonly cursor?: string }).cursor : undefined;

describe("the page on /v1", () => {
  test("curl is there (Debian: apt-get install curl)", () => {
    expect(execFileSync("curl", ["--version"], { encoding: "utf8" })).toContain("curl");
  });

  test("every command on it is one that is run", () => {
    expect(exchanges.length).toBe(page.match(/^curl /gm)?.length);
    expect(exchanges.length).toBeGreaterThanOrEqual(20);
  });

  test("[V1-2] [V1-3] every command, in order, is answered as it shows", async () => {
    /** The cursors that the page gives a name, to be sent later: `<cursor-of-bo>`. */
    const cursors = new Map<string, string>();
    for (const { command, form, answer } of exchanges) {
      const ready = command.replace(/<cursor-[\w-]+>/g, (name) => cursors.get(name) ?? name);
      const text = await run(ready);
      expect({ command, answer: masked(form, text) }).toEqual({
        command,
        answer: masked(form, answer),
      });
      const name = cursorOf(form, answer);
      const cursor = cursorOf(form, text);
      if (name?.startsWith("<cursor-") === true && cursor !== undefined) cursors.set(name, cursor);
    }
    expect([...cursors.keys()]).toEqual(["<cursor-of-bo>"]);
  });

  test("[LIMIT-1] its limits are the server's", () => {
    expect(defaultLimits).toMatchObject({
      changesMax: 5_000,
      bodyBytesMax: 4 * 1024 * 1024,
      v1AnswerMs: 60_000,
      streamStallMs: 30_000,
      streamIdleMs: 30_000,
    });
    expect(FAULTS_TOLD_MAX).toBe(100);
    for (const limit of ["5,000", "4 MiB", "60 seconds in all, 30 without", "the first 100"]) {
      expect(page).toContain(limit);
    }
  });
});
