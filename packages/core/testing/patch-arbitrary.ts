import fc from "fast-check";
import type { FieldRules } from "../src/merge/fields/create-fields-policy.ts";
import { formatFieldState } from "../src/merge/fields/field-state.ts";
import type { JsonValue } from "../src/json.ts";
import type { VersionContent } from "../src/merge/merge-policy.ts";
import { addMicros, laterStamp, type Stamp } from "../src/stamp.ts";
import { NOON } from "./samples.ts";

/** `a` and `b` are decided by stamps, and `b` is required. */
export const rules: FieldRules = {
  functions: { low: "min", high: "max", tags: "union" },
  required: ["b"],
};

/** Few enough that ties are the rule. */
const stamps: fc.Arbitrary<Stamp> = fc
  .integer({ min: 0, max: 4 })
  .map((micros) => addMicros(NOON, micros));

const number: fc.Arbitrary<JsonValue> = fc.constantFrom(1, 2, 10, -1, 0.5);
const plain: fc.Arbitrary<JsonValue> = fc.constantFrom<JsonValue>(
  "x",
  "y",
  9,
  10,
  true,
  [1],
  { n: 1, m: 2 },
  { m: 2, n: 1 },
);
const tags: fc.Arbitrary<JsonValue> = fc.array(
  fc.constantFrom<JsonValue>("a", "b", 1, { n: 1, m: 2 }, { m: 2, n: 1 }),
  { maxLength: 3 },
);

/** Null removes: only what may be removed. */
const values = {
  a: fc.option(plain, { nil: null }),
  b: plain,
  low: number,
  high: number,
  tags,
} as const;

type Sent = { readonly [field in keyof typeof values]?: JsonValue | null };

/** A valid change, whole or not: as a server has read it. */
const contentOf = (
  life: number,
  sent: Sent,
  own: Stamp,
  listed: { readonly [field: string]: Stamp | undefined },
): VersionContent => {
  if (life % 2 === 0) {
    return { stamp: own, value: null, fieldState: formatFieldState({ life, stamps: new Map() }) };
  }
  const each = Object.keys(sent).map((field): [string, Stamp] => [field, listed[field] ?? own]);
  return {
    stamp: each.map(([, stamp]) => stamp).reduce(laterStamp, own),
    value: JSON.stringify(sent),
    fieldState: formatFieldState({ life, stamps: new Map(each) }),
  };
};

const listedStamps = fc.dictionary(fc.constantFrom(...Object.keys(values)), stamps, {
  maxKeys: 2,
});

const lives = fc.integer({ min: 1, max: 4 });

/** A whole value, or a delete: valid whatever is stored. */
export const arbitraryWhole: fc.Arbitrary<VersionContent> = fc
  .tuple(lives, fc.record(values, { requiredKeys: ["b"] }), stamps, listedStamps)
  .map(([life, sent, own, listed]) => contentOf(life, sent, own, listed));

/** Any valid change: it may lack what is required, where the record is there already. */
export const arbitraryPatch: fc.Arbitrary<VersionContent> = fc
  .tuple(lives, fc.record(values, { requiredKeys: [] }), stamps, listedStamps)
  .map(([life, sent, own, listed]) => contentOf(life, sent, own, listed));
