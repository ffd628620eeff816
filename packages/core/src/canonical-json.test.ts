import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson } from "./canonical-json.ts";
import { isJsonEqual, type JsonValue } from "./json.ts";

const run = { seed: 20_261_124, numRuns: 1_000 };

test("the example of RFC 8785, section 3.2.3: names stand by UTF-16 units", () => {
  const value = {
    "\u20ac": "Euro Sign",
    "\r": "Carriage Return",
    "\ufb33": "Hebrew Letter Dalet With Dagesh",
    "1": "One",
    "\u{1f600}": "Emoji: Grinning Face",
    "\u0080": "Control",
    "\u00f6": "Latin Small Letter O With Diaeresis",
  };
  // "1" is an index, which JavaScript's own objects put first: the text is what counts.
  expect([...canonicalJson(value).matchAll(/:"([^"]*)"/g)].map(([, text]) => text)).toEqual([
    "Carriage Return",
    "One",
    "Control",
    "Latin Small Letter O With Diaeresis",
    "Euro Sign",
    "Emoji: Grinning Face",
    "Hebrew Letter Dalet With Dagesh",
  ]);
});

test("the example of RFC 8785, section 3.2.2: numbers and strings as ECMAScript prints them", () => {
  const value = JSON.parse(`{
    "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
    "string": "\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\"\\/",
    "literals": [null, true, false]
  }`) as JsonValue;
  expect(canonicalJson(value)).toBe(
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
      String.raw`"string":"€$\u000f\nA'B\"\\\\\"/"}`,
  );
});

test("two values have one text if, and only if, they are equal", () => {
  const small = fc.jsonValue({ maxDepth: 2 });
  fc.assert(
    fc.property(small, small, (a, b) => {
      const [left, right] = [a as JsonValue, b as JsonValue];
      expect(canonicalJson(left) === canonicalJson(right)).toBe(isJsonEqual(left, right));
      expect(isJsonEqual(JSON.parse(canonicalJson(left)) as JsonValue, left)).toBe(true);
    }),
    run,
  );
});

test("the order of members is no part of a value, nor is the sign of zero", () => {
  expect(canonicalJson({ b: -0, a: [{ d: 1, c: 2 }] })).toBe('{"a":[{"c":2,"d":1}],"b":0}');
});
