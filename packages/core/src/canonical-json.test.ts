import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalJson } from "./canonical-json.ts";
import { isJsonEqual, type JsonValue } from "./json.ts";

const run = { seed: 20_261_124, numRuns: 1_000 };

describe("[FIELDS-12] the canonical form", () => {
  // The example of RFC 8785, section 3.2.2, and what it comes to.
  test("is RFC 8785's own for its example", () => {
    const text = String.raw`{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    }`;
    expect(canonicalJson(JSON.parse(text))).toBe(
      String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    );
  });

  // Section 3.2.3: members by the UTF-16 units of their names.
  test("has members by UTF-16 units, not by code points, nor as an object lists them", () => {
    const text = String.raw`{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7,"10":8,"9":9}`;
    expect(canonicalJson(JSON.parse(text))).toBe(
      '{"\\r":2,"1":4,"10":8,"9":9,"\u0080":6,"\u00F6":7,"\u20AC":1,"\u{1F600}":5,"\uFB33":3}',
    );
  });

  test.each<[number, string]>([
    [-0, "0"],
    [Number.MIN_VALUE, "5e-324"],
    [Number.MAX_VALUE, "1.7976931348623157e+308"],
    [9_007_199_254_740_992, "9007199254740992"],
    [1e21, "1e+21"],
    [999_999_999_999_999_900_000, "999999999999999900000"],
    [0.000_001, "0.000001"],
    [1e-7, "1e-7"],
  ])("writes %d as %s", (value, text) => {
    expect(canonicalJson(value)).toBe(text);
  });

  const shuffled = (value: JsonValue): JsonValue => {
    if (Array.isArray(value)) return value.map((item: JsonValue) => shuffled(item));
    if (typeof value !== "object" || value === null) return value;
    const members = Object.entries(value).toReversed();
    return Object.fromEntries(members.map(([name, item]) => [name, shuffled(item)]));
  };

  test("is the same for equal data, and says all of it", () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: "grapheme" }), (data) => {
        const value = JSON.parse(JSON.stringify(data)) as JsonValue;
        const text = canonicalJson(value);
        expect(isJsonEqual(JSON.parse(text), value)).toBe(true);
        expect(canonicalJson(shuffled(value))).toBe(text);
        expect(text).not.toMatch(/[\n\r]/);
      }),
      run,
    );
  });

  test("is another for other data", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 1 }), fc.jsonValue({ maxDepth: 1 }), (a, b) => {
        const [one, other] = [a, b].map((data) => JSON.parse(JSON.stringify(data)) as JsonValue);
        const isSame = canonicalJson(one ?? null) === canonicalJson(other ?? null);
        expect(isSame).toBe(isJsonEqual(one ?? null, other ?? null));
      }),
      run,
    );
  });
});
