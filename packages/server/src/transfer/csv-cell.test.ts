import { describe, expect, test } from "vitest";
import { type CellType, cellTypesOf, decodeCell, encodeCell } from "./csv-cell.ts";

const types = (...names: readonly CellType[]) => new Set(names);

describe("a cell that its column does not allow stays text, for the schema to refuse", () => {
  test.each([
    ["1,5", types("number")],
    ["007", types("integer")],
    ["0x10", types("integer")],
    ["1e400", types("number")],
    ["12345678901234567890", types("integer")],
    ["NaN", types("number")],
    ["true", types("number")],
    ["yes", types("boolean")],
    ["{", types("object")],
    ['{"a":1,"a":2}', types("object")],
    ['{"__proto__":1}', types("object")],
    ["[1]", types("object")],
    ["null", types("number")],
    [" 5", types("integer")],
  ])("%j", (text, allowed) => {
    expect(decodeCell(text, allowed)).toBe(text);
  });
});

describe("a cell is read by the types of its column", () => {
  test.each([
    ["", types("string"), undefined],
    ["", null, undefined],
    ["04012345678901", types("string"), "04012345678901"],
    ["5", types("string"), "5"],
    ["null", types("string"), "null"],
    ['""', types("string"), ""],
    ['"a"', types("string"), "a"],
    ['"a', types("string"), '"a'],
    ["=1+1", types("string"), "=1+1"],
    ["5", types("integer"), 5],
    ["-0.5e1", types("number"), -5],
    ["5", types("integer", "string"), 5],
    ['"5"', types("integer", "string"), "5"],
    ["TRUE", types("boolean"), true],
    ["False", types("boolean"), false],
    ["true", types("boolean", "string"), true],
    ["TRUE", types("boolean", "string"), "TRUE"],
    ["null", types("string", "null"), null],
    ['{"a":[1]}', types("object"), { a: [1] }],
    ["[]", types("array"), []],
    ["5", null, 5],
    ["007", null, "007"],
    ["12345678901234567890", null, "12345678901234567890"],
    ["true", null, true],
    ["aisle 4", null, "aisle 4"],
  ])("%j in %o is %j", (text, allowed, value) => {
    expect(decodeCell(text, allowed)).toEqual(value);
  });
});

test("a formula is not altered", () => {
  for (const text of ["=1+1", "+1", "-1+2", "@SUM(A1)"]) {
    expect(encodeCell(text, types("string"))).toBe(text);
  }
});

test("the types of a member's schema", () => {
  expect(cellTypesOf({ type: "string" })).toEqual(types("string"));
  expect(cellTypesOf({ type: ["integer", "null"] })).toEqual(types("integer", "null"));
  expect(cellTypesOf({ enum: ["a", 1, null] })).toEqual(types("string", "number", "null"));
  expect(cellTypesOf({ const: true })).toEqual(types("boolean"));
  for (const schema of [undefined, true, {}, { anyOf: [{ type: "string" }] }]) {
    expect(cellTypesOf(schema)).toBeNull();
  }
});
