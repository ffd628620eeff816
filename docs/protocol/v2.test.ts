import { execFile, execFileSync } from "node:child_process";
import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { defaultLimits } from "@synchro/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createCollectionRegistry } from "../../packages/server/src/collections/collection-registry.ts";
import { readConfig } from "../../packages/server/src/config/read-config.ts";
import {
  startTestServer,
  type TestServer,
} from "../../packages/server/testing/start-test-server.ts";

const page = readFileSync(join(import.meta.dirname, "v2.md"), "utf8");

type Exchange = { readonly command: string; readonly form: string; readonly answer: string };

const exchanges: readonly Exchange[] = Array.from(
  page.matchAll(/```sh\n(curl[\s\S]*?)\n```\n\n```(json|ndjson|text)\n([\s\S]*?)\n```/g),
  ([, command = "", form = "", answer = ""]) => ({ command, form, answer }),
);

/** Texts that differ from run to run, by the member that holds them. */
const maskedMembers = new Set(["cursor", "ack", "now", "kept_at"]);

/** What the page calls by a name of its own, such as `<cursor of Anna>`: its later commands use it. */
const named = new Map<string, string>();

/** A real answer with the page's masks in place of what differs from run to run; their names are learned. */
const masked = (shown: unknown, real: unknown, member = ""): unknown => {
  if (typeof real === "string") {
    const isMasked = typeof shown === "string" && /^<.*>$/.test(shown);
    // The sentence names the server's clock.
    const differs = maskedMembers.has(member) || (member === "message" && shown === "<message>");
    if (!isMasked || !differs) return real;
    named.set(shown, real);
    return shown;
  }
  if (typeof real !== "object" || real === null) return real;
  const of = (shown ?? {}) as { readonly [name: string]: unknown };
  if (Array.isArray(real)) return real.map((item, index) => masked(of[index], item));
  return Object.fromEntries(
    Object.entries(real).map(([name, value]) => [name, masked(of[name], value, name)]),
  );
};

/** An answer as a value to compare: JSON, its lines, or the fields of its first event. */
const parsed = (form: string, text: string): unknown => {
  if (form === "json") return JSON.parse(text);
  if (form === "ndjson")
    return text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown);
  const [event = ""] = text.split("\n\n");
  return event.split("\n").map((line) => {
    const [field = "", ...rest] = line.split(": ");
    const value = rest.join(": ");
    if (field === "data") return { data: JSON.parse(value) as unknown };
    return field === "id" ? { cursor: value } : { [field]: value };
  });
};

let server: TestServer;
beforeAll(async () => {
  // The page's own configuration.
  const [, config = "{}"] = /```json\n(\{\n {2}"collections"[\s\S]*?)\n```/.exec(page) ?? [];
  const { collections } = readConfig(JSON.parse(config));
  server = await startTestServer({ registry: createCollectionRegistry(collections) });
});
afterAll(() => server.stop());

/** A stream has no end: it is cut after a second. */
const STREAM_CUT = 28;

/** Runs the command as it stands, on the test's port, while the server runs in this process. */
const run = (command: string, form: string): Promise<string> =>
  new Promise((resolve, reject) => {
    let script = command
      .replaceAll("http://127.0.0.1:7100", server.url)
      .replace("curl", form === "text" ? "curl -sS --max-time 1" : "curl -sS");
    for (const [name, text] of named) script = script.replaceAll(name, text);
    execFile("sh", ["-c", script], (error, stdout) => {
      const isCut = form === "text" && error?.code === STREAM_CUT;
      if (error === null || isCut) resolve(stdout);
      else reject(error);
    });
  });

describe("the page on /v2", () => {
  test("curl is there (Debian: apt-get install curl)", () => {
    expect(execFileSync("curl", ["--version"], { encoding: "utf8" })).toContain("curl");
  });

  test("every command, in order, is answered as it shows", async () => {
    expect(exchanges.length).toBeGreaterThanOrEqual(9);
    // A command that shows no answer would not be run.
    expect(page.match(/```sh/g)).toHaveLength(exchanges.length);
    expect(page).toContain('"results": [{"merged": 6}]');
    for (const { command, form, answer } of exchanges) {
      const shown = parsed(form, answer);
      const real = masked(shown, parsed(form, await run(command, form)));
      expect({ command, answer: real }).toEqual({ command, answer: shown });
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
    const limits = defaultLimits;
    const count = (number: number): string => number.toLocaleString("en-US");
    const mib = (bytes: number): string => `${bytes / 1024 / 1024} MiB`;
    const kib = (bytes: number): string => `${bytes / 1024} KiB`;
    const seconds = (ms: number): string => `${ms / 1000} s`;
    const expected = [
      count(limits.changesMax),
      mib(limits.bodyBytesMax),
      count(limits.bodyTokensMax),
      `${kib(limits.valueBytesMax)}, ${limits.valueDepthMax} levels`,
      `\`limit\` records (${count(limits.pageRecordsDefault)}; at most ${count(limits.pageRecordsMax)}) or ${mib(limits.pageBytesMax)}`,
      mib(limits.lostBytesMax),
      `${count(limits.cursorLengthMax)} characters`,
      `${limits.collectionsMax} names`,
      `${limits.labelLengthMax} characters`,
      `${limits.waitSecondsMax} s`,
      `${count(limits.ndjsonRecordsMax)} records or ${seconds(limits.ndjsonMs)}`,
      `${kib(limits.streamPageBytesMax)} or one record`,
    ];
    const [, table = ""] = page.split("## Limits\n");
    const rows = [...table.matchAll(/^\| .+? +\| (.+?) +\|$/gm)].map(([, value]) => value);
    expect(rows.slice(2)).toEqual(expected);
    // What the text says of streams.
    expect([limits.streamIdleMs, limits.streamStallMs, limits.streamsMax]).toEqual([
      30_000, 30_000, 5_000,
    ]);
  });
});
