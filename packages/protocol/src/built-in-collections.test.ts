import type { TSchema } from "typebox";
import { Compile } from "typebox/compile";
import Format from "typebox/format";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { builtInCollections } from "./built-in-collections.ts";
import { INSTANT_FORMAT, isInstant } from "./instant-format.ts";

const accepts = (name: keyof typeof builtInCollections, value: object): boolean => {
  const schema: TSchema = builtInCollections[name].schema;
  return Compile(schema).Check(value);
};

beforeAll(() => Format.Set(INSTANT_FORMAT, isInstant));
afterAll(() => Format.Reset());

const date = { expiration_date: "2026-12-01" };

describe("a value that no built-in collection takes", () => {
  test.each<[keyof typeof builtInCollections, object]>([
    ["readings", {}],
    ["readings", { expiration_date: null }],
    ["readings", { expiration_date: "soon" }],
    ["readings", { expiration_date: "2026-02-30" }],
    ["readings", { ...date, gtin: 4_012_345_678_901 }],
    ["readings", { ...date, quantity: "12" }],
    ["readings", { ...date, quantity: -1 }],
    ["readings", { ...date, location: 4 }],
    ["readings", { ...date, note: null }],
    ["batches", date],
    ["batches", { gtin: "04012345678901" }],
    ["batches", { ...date, gtin: "" }],
    ["batches", { ...date, gtin: "0", lot: 1 }],
  ])("%s %j", (name, value) => {
    expect(accepts(name, value)).toBe(false);
  });
});

describe("a value that a built-in collection takes", () => {
  test.each<[keyof typeof builtInCollections, object]>([
    ["readings", date],
    ["readings", { expiration_date: "2022-05-01T01:11:00" }],
    ["readings", { expiration_date: "2022-05-01 01:11+02" }],
    ["readings", { ...date, gtin: "test_4", quantity: 0, location: "", note: "" }],
    ["readings", { ...date, quantity: 1.5, shelf: { row: 4 } }],
    ["batches", { ...date, gtin: "04012345678901" }],
    ["batches", { ...date, gtin: "0", lot: "A", quantity: 12, location: "aisle 4", more: [] }],
  ])("%s %j", (name, value) => {
    expect(accepts(name, value)).toBe(true);
  });
});

test("readings repeat their key as gtin; batches have keys of their own", () => {
  expect(builtInCollections.readings.key).toBe("gtin");
  expect(builtInCollections.batches).not.toHaveProperty("key");
});
