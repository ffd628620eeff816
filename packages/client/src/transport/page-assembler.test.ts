import { expect, test } from "vitest";
import { createPageAssembler } from "./page-assembler.ts";
import type { Page } from "./transport.ts";

const record = (key: string, seq: number) => ({
  collection: "readings",
  key,
  seq,
  updated_at: "2026-11-24T10:00:00Z",
  value: {},
});

const pagesOf = (lines: readonly unknown[], charsMax = 10_000): readonly Page[] => {
  const assemble = createPageAssembler(charsMax);
  return lines.flatMap(
    (line) => assemble(typeof line === "string" ? line : JSON.stringify(line)) ?? [],
  );
};

test.each([
  ["no JSON", ["{"]],
  ["no object", [[1]]],
  ["a record without its key", [{ ...record("a", 1), key: undefined }]],
  ["a record without its value", [{ ...record("a", 1), value: undefined }]],
  ["a reset of an unknown kind", [{ reset: "start over" }]],
  ["a reset after a record", [record("a", 1), { reset: "drop" }]],
  ["a second reset", [{ reset: "drop" }, { reset: "drop" }]],
  ["a reset on a later page", [{ cursor: "c1" }, { reset: "drop" }]],
  ["a cursor that is no text", [{ cursor: 7 }]],
  ["`more` that is no truth", [{ cursor: "c1", more: 1 }]],
  ["a digest that is none", [{ cursor: "c1", more: false, digest: [] }]],
])("[LIVE-4] %s is no answer of Synchro", (_, lines) => {
  expect(() => pagesOf(lines)).toThrow("not an answer of Synchro");
});

test("[LIVE-4] records without the line that ends their page are no page", () => {
  expect(pagesOf([{ reset: "drop" }, record("a", 1)])).toEqual([]);
});

test("[LIVE-4] [LIVE-5] a reset belongs to the first page, `more` and a digest to the last", () => {
  const digest = { at: 2, collections: {} };
  const lines = [
    { reset: "offer" },
    record("a", 1),
    { cursor: "c1" },
    "",
    record("b", 2),
    { cursor: "c2", more: false, digest },
  ];
  expect(pagesOf(lines)).toEqual([
    { reset: "offer", cursor: "c1", changes: [record("a", 1)] },
    { cursor: "c2", changes: [record("b", 2)], more: false, digest },
  ]);
});

test("a kind of line that is not known means nothing", () => {
  expect(pagesOf([{ progress: 0.5 }, record("a", 1), { cursor: null, more: true, x: 1 }])).toEqual([
    { cursor: null, changes: [record("a", 1)], more: true },
  ]);
});

test("a page that is too long is given up; the count begins anew with each", () => {
  const page = [record("a", 1), { cursor: "c" }];
  const length = JSON.stringify(page).length;
  expect(pagesOf([...page, ...page, ...page], length)).toHaveLength(3);
  expect(() => pagesOf([record("a", 1), record("b", 2), record("c", 3)], length)).toThrow("long");
});
