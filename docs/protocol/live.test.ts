import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectLive } from "../../packages/server/testing/live-client.ts";
import {
  startTestServer,
  type TestServer,
} from "../../packages/server/testing/start-test-server.ts";

const page = readFileSync(join(import.meta.dirname, "live.md"), "utf8");

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

/** A real frame with the page's masks in place of what differs from run to run. */
const masked = (shown: unknown, real: unknown): unknown => {
  if (typeof shown === "string" && /^<.*>$/.test(shown)) return real === undefined ? real : shown;
  if (typeof real !== "object" || real === null) return real;
  const of = (shown ?? {}) as { readonly [name: string]: unknown };
  if (Array.isArray(real)) return real.map((item, index) => masked(of[index], item));
  return Object.fromEntries(
    Object.entries(real).map(([name, value]) => [name, masked(of[name], value)]),
  );
};

const typeOf = (text: string): string => (JSON.parse(text) as { readonly type: string }).type;

test("the conversation of the page is the one that a server holds", async () => {
  const [, conversation = ""] = /```text\n(> [\s\S]*?)\n```/.exec(page) ?? [];
  const lines = conversation.split("\n");
  expect(lines.length).toBeGreaterThan(10);
  const client = await connectLive(server.url);
  /** What came before its turn: of a push's two frames the page tells no order. */
  const early: string[] = [];
  const take = async (type: string): Promise<string> => {
    const at = early.findIndex((text) => typeOf(text) === type);
    if (at !== -1) return early.splice(at, 1)[0] ?? "";
    for (;;) {
      const text = await client.nextText();
      if (typeOf(text) === type) return text;
      early.push(text);
    }
  };
  for (const line of lines) {
    const text = line.slice(2);
    if (line.startsWith("> ")) {
      client.sendRaw(text);
      continue;
    }
    const shown: unknown = JSON.parse(text);
    const real: unknown = JSON.parse(await take(typeOf(text)));
    expect(masked(shown, real)).toEqual(shown);
  }
  expect(early).toEqual([]);
  client.close();
});

test("every frame that there is stands in the page's tables", () => {
  const tables = [...page.matchAll(/^\| `(\w+)` +\|/gm)].map(([, name]) => name);
  expect(tables).toEqual([
    "hello",
    "token",
    "subscribe",
    "unsubscribe",
    "push",
    "ping",
    "welcome",
    "subscribed",
    "changes",
    "results",
    "error",
    "pong",
  ]);
});
