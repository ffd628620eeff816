import fc from "fast-check";
import { expect, test } from "vitest";
import { arbitraryPatch, arbitraryWhole, rules } from "../../../testing/patch-arbitrary.ts";
import type { JsonValue } from "../../json.ts";
import { joinValues } from "./field-function.ts";
import {
  type FieldsPoint,
  isSamePoint,
  joinPoints,
  normalizePoint,
  pointOf,
  versionOf,
} from "./fields-point.ts";

const run = { seed: 20_261_124, numRuns: 2_000 };

const { functions } = rules;
const join = (a: FieldsPoint, b: FieldsPoint): FieldsPoint => joinPoints(a, b, functions);
const point = fc
  .oneof(arbitraryPatch, arbitraryWhole)
  .map((content) => normalizePoint(pointOf(content), functions));

/** By its text: also the form in which it is stored is the same. */
const text = (each: FieldsPoint) => versionOf(each);

test("[FIELDS-15] the join is commutative", () => {
  fc.assert(
    fc.property(point, point, (a, b) => {
      expect(text(join(a, b))).toEqual(text(join(b, a)));
    }),
    run,
  );
});

test("[FIELDS-15] the join is associative", () => {
  fc.assert(
    fc.property(point, point, point, (a, b, c) => {
      expect(text(join(join(a, b), c))).toEqual(text(join(a, join(b, c))));
    }),
    run,
  );
});

test("[FIELDS-15] [FIELDS-16] the join is idempotent: what is in it already changes nothing", () => {
  fc.assert(
    fc.property(point, point, (a, b) => {
      expect(isSamePoint(join(a, a), a)).toBe(true);
      const both = join(a, b);
      expect(isSamePoint(join(both, a), both)).toBe(true);
      expect(isSamePoint(join(both, b), both)).toBe(true);
    }),
    run,
  );
});

test("[FIELDS-3] a live point's stamp is never below one of its fields'", () => {
  fc.assert(
    fc.property(fc.array(point, { minLength: 1, maxLength: 6 }), (points) => {
      const whole = points.reduce(join);
      for (const { stamp } of whole.fields.values()) expect(stamp <= whole.stamp).toBe(true);
    }),
    run,
  );
});

test("[FIELDS-2] [FIELDS-4] a point is stored as text, and read again as it was", () => {
  fc.assert(
    fc.property(point, (each) => {
      const again = pointOf(versionOf(each));
      expect(isSamePoint(again, each)).toBe(true);
      expect(versionOf(again)).toEqual(versionOf(each));
    }),
    run,
  );
});

test("[FIELDS-14] a function gives the same whatever it is given first, of any data", () => {
  const value = fc.jsonValue({ maxDepth: 2 }).map((data) => JSON.parse(JSON.stringify(data)));
  fc.assert(
    fc.property(
      fc.constantFrom("min" as const, "max" as const, "union" as const),
      fc.array(value as fc.Arbitrary<JsonValue>, { minLength: 2, maxLength: 5 }),
      fc.nat(),
      (name, values, turn) => {
        const at = turn % values.length;
        const turned = [...values.slice(at), ...values.slice(0, at)].toReversed();
        const of = ([first = null, ...others]: readonly JsonValue[]) =>
          joinValues(name, first, ...others);
        expect(of(turned)).toEqual(of(values));
        const [first = null, ...others] = values;
        const stepwise = others.reduce<JsonValue>(
          (joined, each) => joinValues(name, joined, each),
          joinValues(name, first),
        );
        expect(stepwise).toEqual(of(values));
      },
    ),
    run,
  );
});
