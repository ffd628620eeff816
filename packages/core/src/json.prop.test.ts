import fc from "fast-check";
import { expect, test } from "vitest";
import { isJsonEqual, isJsonTextEqual, type JsonValue } from "./json.ts";

const run = { seed: 20_261_124, numRuns: 2_000 };

/** Small alphabets, so that two values are often nearly equal. */
const { value: arbitraryValue } = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom<JsonValue>(null, true, false, 0, -0, 1, 1e300, "", "a", "0"),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom("a", "b", "0", "__proto__"), tie("value"), { maxKeys: 3 }),
  ),
}));

/** One text for all equal values: members sorted; JSON.stringify writes -0 as 0. */
const canonical = (value: JsonValue): string => {
  if (Array.isArray(value)) return `[${value.map((item: JsonValue) => canonical(item)).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`);
  return `{${members.join(",")}}`;
};

const reversed = (value: JsonValue): JsonValue => {
  if (Array.isArray(value)) return value.map((item: JsonValue) => reversed(item));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([name, member]) => [name, reversed(member)]),
  );
};

test("[DATA-7] two values are equal if and only if their canonical texts are", () => {
  fc.assert(
    fc.property(arbitraryValue, arbitraryValue, (a, b) => {
      const isEqual = canonical(a) === canonical(b);
      expect(isJsonEqual(a, b)).toBe(isEqual);
      expect(isJsonTextEqual(JSON.stringify(a), JSON.stringify(b, null, 1))).toBe(isEqual);
    }),
    run,
  );
});

test("[DATA-7] the order of members does not matter, at any depth", () => {
  fc.assert(
    fc.property(arbitraryValue, (value) => {
      expect(isJsonEqual(value, reversed(value))).toBe(true);
    }),
    run,
  );
});
