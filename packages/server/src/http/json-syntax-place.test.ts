import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { jsonSyntaxErrorAt } from "./json-syntax-place.ts";

describe("the place of a syntax error", () => {
  test.each([
    ["", 0],
    ["  ", 2],
    ["{", 1],
    ["[1", 2],
    ["[1,", 3],
    ["[1,]", 3],
    ["[1 2]", 3],
    ['{"a"}', 4],
    ['{"a":}', 5],
    ['{"a":1,}', 7],
    ["{a:1}", 1],
    ["{'a':1}", 1],
    ["{1:1}", 1],
    ["{[]:1}", 1],
    ["[}", 1],
    ["{]", 1],
    ["]", 0],
    ["nul", 0],
    ["nulll", 4],
    ["tru e", 0],
    ["01", 1],
    ["-", 0],
    ["1.", 1],
    ["1e", 1],
    ["+1", 0],
    ["NaN", 0],
    ['"a', 2],
    ['"\\x"', 2],
    ['"\\u12g4"', 5],
    ['"\\u12', 5],
    ['"\\', 2],
    ['"a\nb"', 2],
    ["1 1", 2],
    ["\uFEFF1", 0],
    ["[1] // done", 4],
    ["\u00A01", 0],
  ])("%j: %i", (text, at) => {
    expect(() => JSON.parse(text) as unknown).toThrow(SyntaxError);
    expect(jsonSyntaxErrorAt(text)).toBe(at);
  });

  test("deep nesting and long strings are no stack", () => {
    expect(jsonSyntaxErrorAt("[".repeat(1_000_000))).toBe(1_000_000);
    expect(jsonSyntaxErrorAt(`"${"\\n".repeat(1_000_000)}`)).toBe(2_000_001);
    expect(jsonSyntaxErrorAt("1".repeat(1_000_000))).toBeNull();
  });

  test("there is one exactly where JSON.parse finds fault", () => {
    const pieces = [
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      '"',
      '"a"',
      "1",
      "-0.5e3",
      "tru",
      "e",
      "null",
      "\\",
      "\\n",
      "\\u00e9",
      " ",
      "\n",
      "\u0001",
    ];
    const text = fc.oneof(
      fc.array(fc.constantFrom(...pieces), { maxLength: 12 }).map((parts) => parts.join("")),
      fc.tuple(fc.json(), fc.nat(), fc.constantFrom(...pieces)).map(([json, at, piece]) => {
        const cut = at % (json.length + 1);
        return json.slice(0, cut) + piece + json.slice(cut + 1);
      }),
    );
    const isJson = (candidate: string): boolean => {
      try {
        JSON.parse(candidate);
        return true;
      } catch {
        return false;
      }
    };
    fc.assert(
      fc.property(text, (candidate) => {
        expect(jsonSyntaxErrorAt(candidate) === null).toBe(isJson(candidate));
      }),
      { seed: 20_261_124, numRuns: 5_000 },
    );
  });
});
