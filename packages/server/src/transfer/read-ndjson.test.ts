import { defaultLimits } from "@synchro/protocol";
import { describe, expect, test } from "vitest";
import { collect } from "./collect.fixture.ts";
import { readNdjson } from "./read-ndjson.ts";

const defaults = { collection: "readings", updatedAt: "2026-11-24T00:00:00Z" };

async function* textOf(text: string): AsyncGenerator<string> {
  yield text;
}

const read = (text: string, limits = {}) =>
  collect(readNdjson(textOf(text), defaults, { ...defaultLimits, ...limits }));

describe("a line that can't be read is a fault of its own, with its number", () => {
  test.each([
    ["{", "bad_json", "the line is not JSON"],
    ["key,value", "bad_json", "the line is not JSON"],
    ["[1]", "bad_change", "the line must be a JSON object"],
    ["null", "bad_change", "the line must be a JSON object"],
    ['{"key":"a"}]},{"x":[{}', "bad_json", "the line is not JSON"],
    ["[".repeat(200), "too_complex", "the line nests deeper than 128 levels"],
    [`[${"1,".repeat(200_000)}1]`, "too_complex", "the line has more than 150000 values and names"],
  ])("%#", async (line, code, message) => {
    expect(await read(`{"key":"a"}\n\n${line}\n{"key":"b"}`)).toMatchObject([
      { kind: "change", line: 1 },
      { kind: "fault", line: 3, fault: { code, message, path: "" } },
      { kind: "change", line: 4 },
    ]);
  });

  test("one that is too long", async () => {
    const rows = await read(`${"x".repeat(81)}\n{"key":"b"}`, { valueBytesMax: 10 });
    expect(rows).toMatchObject([
      { kind: "fault", line: 1, fault: { code: "line_too_long" } },
      { kind: "change", line: 2 },
    ]);
  });

  test.each([
    ['{"key":"a","value":{"n":12345678901234567890}}', "number_precision", "/changes/0/value/n"],
    ['{"key":"a","value":{"n":1,"n":2}}', "duplicate_member", "/changes/0/value/n"],
    ['{"key":"a","value":{"__proto__":1}}', "forbidden_member", "/changes/0/value/__proto__"],
    ['{"key":"\\u0000"}', "nul_character", "/changes/0/key"],
    ['{"key":"\\ud800"}', "lone_surrogate", "/changes/0/key"],
  ])("what JSON.parse would alter without a word is told: %s", async (line, rule, path) => {
    expect(await read(line)).toMatchObject([{ kind: "change", violation: { rule, path } }]);
  });
});

test("a record's line is the change that makes it again", async () => {
  const line = JSON.stringify({
    collection: "notes",
    key: "a",
    seq: 7,
    updated_at: "2026-01-01T00:00:00Z",
    value: { text: "x" },
    author_unverified: "anna",
  });
  const [row] = await read(`${line}\r\n`);
  expect(row).toEqual({
    kind: "change",
    line: 1,
    violation: undefined,
    change: {
      collection: "notes",
      key: "a",
      updated_at: "2026-01-01T00:00:00Z",
      value: { text: "x" },
      author: "anna",
    },
  });
});

test("what a line does not say is as the run says", async () => {
  const [row] = await read('{"key":"a","deleted":true}');
  expect(row).toMatchObject({
    change: {
      collection: "readings",
      key: "a",
      updated_at: "2026-11-24T00:00:00Z",
      deleted: true,
    },
  });
});
