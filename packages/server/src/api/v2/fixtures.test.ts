import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseStamp } from "@synchro/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../../../testing/start-test-server.ts";

type Step = {
  readonly request: { readonly method: string; readonly path: string; readonly body?: unknown };
  readonly expect: { readonly status: number; readonly body: unknown };
};
type Case = {
  readonly name: string;
  readonly rules: readonly string[];
  readonly steps: readonly Step[];
};

const room = join(import.meta.dirname, "../../../../../fixtures/v2");
const files = readdirSync(room).toSorted();
const readCases = (file: string): readonly Case[] =>
  JSON.parse(readFileSync(join(room, file), "utf8")) as readonly Case[];

/** What a mask stands for; a text that none of these names stands for itself. */
const masks: ReadonlyMap<unknown, (actual: string) => boolean> = new Map([
  ["<cursor>", (actual: string) => /^c1\.[\w.~*-]+$/.test(actual)],
  ["<ack>", (actual: string) => /^a1\.[\w.~-]+$/.test(actual)],
  ["<now>", (actual: string) => parseStamp(actual) !== null],
  ["<sum>", (actual: string) => /^[0-9a-f]{16}$/.test(actual)],
  ["<message>", (actual: string) => /\w+ \w+/.test(actual)],
]);

/** `actual`, with the mask in place of each text that one stands for and fits. */
const masked = (expected: unknown, actual: unknown): unknown => {
  const fits = masks.get(expected);
  if (fits !== undefined) return typeof actual === "string" && fits(actual) ? expected : actual;
  if (typeof actual !== "object" || actual === null) return actual;
  if (typeof expected !== "object" || expected === null) return actual;
  const of = expected as { readonly [member: string]: unknown };
  if (Array.isArray(actual)) return actual.map((item, index) => masked(of[index], item));
  return Object.fromEntries(
    Object.entries(actual).map(([name, value]) => [name, masked(of[name], value)]),
  );
};

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer();
});
afterEach(async () => {
  await server.stop();
});

/** What came, with the masks that fit, beside what should have come. */
const replay = async (
  steps: readonly Step[],
): Promise<{ readonly came: readonly unknown[]; readonly due: readonly unknown[] }> => {
  const came: unknown[] = [];
  const last: { cursor?: unknown; ack?: unknown } = {};
  for (const { request, expect: expected } of steps) {
    const body = request.body as { readonly [member: string]: unknown } | undefined;
    const sent = { ...body };
    if (sent["cursor"] === "<cursor>") sent["cursor"] = last.cursor;
    if (sent["ack"] === "<ack>") sent["ack"] = last.ack;
    const response = await fetch(`${server.url}${request.path}`, {
      method: request.method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(sent), headers: { "content-type": "application/json" } }),
    });
    const answer = (await response.json()) as { cursor?: unknown; ack?: unknown };
    came.push({ status: response.status, body: masked(expected.body, answer) });
    if ("cursor" in answer) last.cursor = answer.cursor;
    if ("ack" in answer) last.ack = answer.ack;
  }
  return { came, due: steps.map((step) => step.expect) };
};

test("all the fixtures are found", () => {
  expect(files).toEqual([
    "evidence.json",
    "pull.json",
    "push.json",
    "rejections.json",
    "resets.json",
  ]);
});

describe.each(files)("fixtures/v2/%s", (file) => {
  test.each(readCases(file))("$name", async ({ steps }) => {
    const { came, due } = await replay(steps);
    expect(came).toEqual(due);
  });
});

test("the rules that they name exist", () => {
  const spec = join(room, "../../docs/spec");
  const headings = new Set(
    readdirSync(spec)
      .filter((name) => name.endsWith(".md"))
      .flatMap((name) => [...readFileSync(join(spec, name), "utf8").matchAll(/^### (\S+)$/gm)])
      .map(([, id]) => id),
  );
  const named = files.flatMap((file) => readCases(file).flatMap(({ rules }) => rules));
  expect(named.filter((id) => !headings.has(id))).toEqual([]);
});
