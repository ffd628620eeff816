import { describe, expect, test } from "vitest";
import type { Row } from "./comparable.ts";
import { compileWhere } from "./compile-where.ts";
import type { FieldKinds } from "./field-kind.ts";

const kinds: FieldKinds = (field) => (field === "date" ? "instant" : "plain");

const matches = (where: object, row: Row): boolean => compileWhere([where], kinds)(row);

describe("a mistake is told with the field's name", () => {
  test.each([
    [{ quantity: undefined }, "quantity: the condition is undefined"],
    [{ quantity: { lte: undefined } }, "quantity: `lte` is undefined"],
    [{ quantity: { near: 3 } }, "quantity: `near` is no operator"],
    [{ quantity: { toString: 3 } }, "quantity: `toString` is no operator"],
    [{ quantity: {} }, "quantity: a condition is"],
    [{ quantity: [1, 2] }, "quantity: a condition is"],
    [{ quantity: { in: 3 } }, "quantity: `in` takes a list"],
    [{ quantity: { exists: 1 } }, "quantity: `exists` takes"],
    [{ name: { startsWith: 1 } }, "name: `startsWith` takes"],
  ])("%j", (where, message) => {
    expect(() => matches(where, {})).toThrow(message);
  });
});

describe("an absent field and null are one", () => {
  const absent: readonly Row[] = [{}, { q: null }, { q: undefined }];
  test.each<readonly [object, boolean]>([
    [{ q: null }, true],
    [{ q: { eq: null } }, true],
    [{ q: { in: [1, null] } }, true],
    [{ q: { in: [] } }, false],
    [{ q: { exists: false } }, true],
    [{ q: { exists: true } }, false],
    [{ q: { ne: null } }, false],
    [{ q: { ne: 1 } }, true],
    [{ q: { lt: 1 } }, false],
    [{ q: { gte: 1 } }, false],
    [{ q: { startsWith: "" } }, false],
  ])("%j", (where, expected) => {
    for (const row of absent) expect(matches(where, row)).toBe(expected);
  });

  test("a field that a row has not of its own is absent", () => {
    expect(matches({ toString: { exists: true } }, {})).toBe(false);
    expect(matches({ constructor: null }, {})).toBe(true);
  });
});

describe("values", () => {
  test.each<readonly [object, unknown, boolean]>([
    [{ q: 3 }, 3, true],
    [{ q: 3 }, "3", false],
    [{ q: false }, null, false],
    [{ q: 0 }, -0, true],
    [{ q: { ne: 3 } }, "3", true],
    [{ q: { lt: 3 } }, 3, false],
    [{ q: { lte: 3 } }, 3, true],
    [{ q: { gt: 3 } }, 3, false],
    [{ q: { gte: 3 } }, 3, true],
    [{ q: { gt: 3, lt: 5 } }, 4, true],
    [{ q: { gt: 3, lt: 5 } }, 5, false],
    [{ q: { lt: "9" } }, 3, false],
    [{ q: { lt: "b" } }, "a", true],
    [{ q: { gt: "\uffff" } }, "\u{1f600}", true],
    [{ q: { startsWith: "ab" } }, "abc", true],
    [{ q: { startsWith: "ab" } }, "aab", false],
    [{ q: { in: [1, "a"] } }, "a", true],
    [{ q: { in: [1, "a"] } }, "1", false],
    [{ q: { in: [[1], { a: 1 }] } }, { a: 1 }, true],
    [{ q: { eq: { a: [1, { b: 2 }] } } }, { a: [1, { b: 2 }] }, true],
    [{ q: { eq: { a: [1, { b: 2 }] } } }, { a: [1, { b: 3 }] }, false],
    [{ q: { lt: 3 } }, [1], false],
  ])("%j with %j: %j", (where, value, expected) => {
    expect(matches(where, { q: value })).toBe(expected);
  });
});

describe("dates compare as instants, whatever their form", () => {
  test.each<readonly [object, string, boolean]>([
    [{ date: "2026-12-01" }, "2026-12-01T00:00:00Z", true],
    [{ date: "2026-12-01" }, "2026-12-01T02:00+02:00", true],
    [{ date: { in: ["2026-12-01T00:00:00.000Z"] } }, "2026-12-01", true],
    [{ date: { lt: "2026-12-01T01:00+02:00" } }, "2026-11-30", true],
    [{ date: { lte: "2026-12-01" } }, "2026-12-01 00:00:00.1", false],
    [{ date: { gt: "2026-12-01T00:30+01:00" } }, "2026-12-01T00:00Z", true],
    [{ date: { startsWith: "2026-12" } }, "2026-12-01", true],
    [{ date: { startsWith: "2026-12" } }, "2026-11-30T23:00-02:00", false],
    [{ date: "soon" }, "soon", true],
    [{ date: { exists: true } }, "soon", true],
  ])("%j with %j: %j", (where, date, expected) => {
    expect(matches(where, { date })).toBe(expected);
  });

  test("in fields that are no dates they are texts", () => {
    expect(matches({ note: "2026-12-01" }, { note: "2026-12-01T00:00:00Z" })).toBe(false);
  });
});

test("all fields and all conditions must hold", () => {
  const holds = compileWhere([{ a: 1, b: 2 }, { a: { gt: 0 } }], kinds);
  expect(holds({ a: 1, b: 2 })).toBe(true);
  expect(holds({ a: 1, b: 3 })).toBe(false);
  expect(compileWhere([{ a: 1 }, { a: 2 }], kinds)({ a: 1 })).toBe(false);
  expect(compileWhere([], kinds)({})).toBe(true);
});
