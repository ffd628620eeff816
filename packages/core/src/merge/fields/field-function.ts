import { canonicalJson } from "../../canonical-json.ts";
import type { JsonValue } from "../../json.ts";
import { compareCodePoints } from "../../unicode.ts";

export const fieldFunctions = ["min", "max", "union"] as const;

/** How the values of a field become one, where the greater stamp does not decide. Spec: FIELDS-14. */
export type FieldFunction = (typeof fieldFunctions)[number];

/** By the bytes of the canonical form: an order of all data, the same in every language. */
export const compareCanonical = (a: JsonValue, b: JsonValue): number =>
  compareCodePoints(canonicalJson(a), canonicalJson(b));

/** Numbers by size, texts by code points; what is of two kinds has the order of the canonical forms, which tells kinds apart by their first byte. */
const compareValues = (a: JsonValue, b: JsonValue): number => {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "string" && typeof b === "string") return compareCodePoints(a, b);
  return compareCanonical(a, b);
};

/** A set as a list: each item once, by its canonical form. What is no list is the one item of one. */
const setOf = (values: readonly JsonValue[]): readonly JsonValue[] => {
  const items = values.flatMap((value) =>
    Array.isArray(value) ? (value as JsonValue[]) : [value],
  );
  const byText = new Map(items.map((item) => [canonicalJson(item), item]));
  return [...byText].toSorted(([a], [b]) => compareCodePoints(a, b)).map(([, item]) => item);
};

/** The value of a field that has a function, out of those that it was given. Associative, commutative; of one value alone it is that value, of a set its items in order. */
export const joinValues = (
  name: FieldFunction,
  first: JsonValue,
  ...others: readonly JsonValue[]
): JsonValue => {
  if (name === "union") return setOf([first, ...others]);
  return others.reduce((best, value) => {
    const isBetter =
      name === "min" ? compareValues(value, best) < 0 : compareValues(value, best) > 0;
    return isBetter ? value : best;
  }, first);
};
