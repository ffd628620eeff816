import { describe, expect, test } from "vitest";
import { isJsonEqual, isJsonObject, isJsonTextEqual, type JsonValue } from "./json.ts";

const parse = (text: string): JsonValue => JSON.parse(text) as JsonValue;

describe("values that differ", () => {
  test.each([
    ["null", "0"],
    ["null", "{}"],
    ["null", "[]"],
    ["0", "false"],
    ["1", '"1"'],
    ['""', "null"],
    ["[]", "{}"],
    ["{}", "[]"],
    ["[]", "[null]"],
    ["[null]", "[]"],
    ["[1,2]", "[2,1]"],
    ["[1]", '{"0":1}'],
    ['{"a":1}', '{"b":1}'],
    ['{"a":1}', "{}"],
    ['{"a":null}', "{}"],
    ['{"a":null}', '{"b":null}'],
    ['{"a":1,"b":2}', '{"a":1,"b":3}'],
    ['{"a":1}', '{"a":1,"b":2}'],
    ['{"toString":1}', "{}"],
    ['{"__proto__":{}}', "{}"],
    ['{"__proto__":{}}', '{"a":{}}'],
    ['{"__proto__":null}', '{"a":null}'],
    ['{"constructor":1}', '{"valueOf":1}'],
    ['"é"', '"e\u0301"'],
    ["9007199254740993", "9007199254740994"],
    ['{"a":[{"b":1}]}', '{"a":[{"b":2}]}'],
  ])("[DATA-7] %s and %s", (a, b) => {
    expect(isJsonEqual(parse(a), parse(b))).toBe(false);
    expect(isJsonEqual(parse(b), parse(a))).toBe(false);
    expect(isJsonTextEqual(a, b)).toBe(false);
  });
});

describe("values that are equal", () => {
  test.each([
    ['{"a":1,"b":2}', '{"b":2,"a":1}'],
    ['{"a":{"x":[1,{"y":2,"z":3}]}}', ' { "a" : {"x":[1, {"z":3,"y":2}]} } '],
    ["-0", "0"],
    ['{"a":-0}', '{"a":0}'],
    ["[-0.0]", "[0e9]"],
    ["1", "1.0"],
    ["100", "1e2"],
    ["9007199254740993", "9007199254740992"],
    ['"\\u0061"', '"a"'],
    ['{"__proto__":{"a":1}}', '{"__proto__":{"a":1}}'],
    ["null", " null"],
    ["[]", "[ ]"],
  ])("[DATA-7] %s and %s", (a, b) => {
    expect(isJsonEqual(parse(a), parse(b))).toBe(true);
    expect(isJsonTextEqual(a, b)).toBe(true);
  });
});

test.each([null, undefined, [], "a", 1, true])("[DATA-8] %j is no object", (value) => {
  expect(isJsonObject(value)).toBe(false);
});

test("[DATA-8] an object is one", () => {
  expect(isJsonObject({})).toBe(true);
});
