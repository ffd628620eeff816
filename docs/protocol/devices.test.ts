import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type AdminServer,
  startAdminServer,
} from "../../packages/server/testing/start-admin-server.ts";

const page = readFileSync(join(import.meta.dirname, "devices.md"), "utf8");

const exchanges = Array.from(
  page.matchAll(/```sh\n(curl[\s\S]*?)\n```\n\n```json\n([\s\S]*?)\n```/g),
  ([, command = "", answer = ""]) => ({ command, answer: JSON.parse(answer) as unknown }),
);

/** What the page calls by a name of its own, such as `<code>`: its later commands use it. */
const named = new Map<string, string>();

/** A real answer with the page's names in place of what differs from run to run; they are learned. */
const masked = (shown: unknown, real: unknown): unknown => {
  if (typeof real === "string" && typeof shown === "string" && /^<\w+>$/.test(shown)) {
    // The same name is the same text throughout.
    const known = named.get(shown) ?? real;
    named.set(shown, known);
    return real === known ? shown : real;
  }
  if (typeof real !== "object" || real === null) return real;
  const of = (shown ?? {}) as { readonly [name: string]: unknown };
  if (Array.isArray(real)) return real.map((item, index) => masked(of[index], item));
  return Object.fromEntries(
    Object.entries(real).map(([name, value]) => [name, masked(of[name], value)]),
  );
};

let server: AdminServer;
beforeAll(async () => {
  server = await startAdminServer({ publicUrl: "https://sync.example" });
});
afterAll(() => server.stop());

const run = (command: string): Promise<unknown> =>
  new Promise((resolve, reject) => {
    let script = command
      .replaceAll("http://127.0.0.1:7100", server.url)
      .replace("curl", "curl -sS");
    for (const [name, text] of named) script = script.replaceAll(name, text);
    const env = { PATH: process.env["PATH"], TOKEN: "operator" };
    execFile("sh", ["-c", script], { env }, (error, stdout) => {
      if (error === null) resolve(JSON.parse(stdout));
      else reject(error);
    });
  });

test("every command of the page, in order, is answered as it shows", async () => {
  expect(exchanges.length).toBeGreaterThanOrEqual(10);
  // A command that shows no answer would not be run.
  expect(page.match(/```sh/g)).toHaveLength(exchanges.length);
  for (const { command, answer } of exchanges) {
    const real = masked(answer, await run(command));
    expect({ command, answer: real }).toEqual({ command, answer });
  }
  expect(named.get("<join_url>")).toBe(`https://sync.example/#join=${named.get("<code>")}`);
});
