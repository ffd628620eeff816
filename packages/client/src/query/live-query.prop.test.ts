import { isJsonEqual, type JsonValue } from "@synchro/core";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { compileQuery, type KeyedRow } from "./compile-query.ts";
import type { FieldKinds } from "./field-kind.ts";
import { createLiveQuery, type RowChange } from "./live-query.ts";
import { naiveRows } from "../../testing/naive-rows.ts";
import type { QuerySpec } from "./query-spec.ts";

type Reading = { readonly name?: unknown; readonly quantity?: unknown; readonly due?: unknown };

const kinds: FieldKinds = (field) => (field === "due" ? "instant" : "plain");

const dates = [
  "2026-12-01",
  "2026-12-01T00:00:00Z",
  "2026-12-01T02:00+02:00",
  "2026-11-30",
  "soon",
];
const text = fc.constantFrom("a", "b", "ab", "\u{1f600}", "\uffff", "");
const row: fc.Arbitrary<Reading> = fc.record(
  {
    name: fc.oneof(text, fc.constant(null)),
    quantity: fc.oneof(fc.integer({ min: -2, max: 3 }), fc.boolean(), text, fc.constant([1])),
    due: fc.constantFrom(...dates),
  },
  { requiredKeys: [] },
);

const where = fc.constantFrom<QuerySpec<Reading>["where"][number]>(
  {},
  { quantity: { gt: 0 } },
  { quantity: { lte: 2 }, name: { in: ["a", "ab", null] } },
  { due: "2026-12-01" },
  { due: { lt: "2026-12-01T00:00:01Z" } },
  { name: { startsWith: "a" } },
  { name: { exists: false } },
  { name: { ne: "a" } },
);
const order = fc.record({
  field: fc.constantFrom("name" as const, "quantity" as const, "due" as const),
  direction: fc.constantFrom("asc" as const, "desc" as const),
});
const spec: fc.Arbitrary<QuerySpec<Reading>> = fc.record({
  where: fc.array(where, { maxLength: 2 }),
  orderBy: fc.array(order, { maxLength: 2 }),
  limit: fc.option(fc.nat({ max: 6 })),
});

const key = fc.oneof(
  fc.constantFrom("\u{1f600}", "\uffff", "__proto__"),
  fc.integer({ min: 10, max: 25 }).map((digit) => digit.toString(36)),
);
const edit = fc.record({ key, after: fc.option(row, { freq: 3 }) });
const step = fc.oneof(
  { weight: 8, arbitrary: fc.array(edit, { minLength: 1, maxLength: 3 }) },
  { weight: 1, arbitrary: fc.array(edit, { minLength: 15, maxLength: 30 }) },
);

const keyedOf = (held: ReadonlyMap<string, Reading>): readonly KeyedRow<Reading>[] =>
  [...held].map(([of, each]) => ({ key: of, row: each }));

const changesOf = (
  held: Map<string, Reading>,
  edits: readonly { readonly key: string; readonly after: Reading | null }[],
): readonly RowChange<Reading>[] =>
  edits.map(({ key: of, after }) => {
    const change = { key: of, before: held.get(of) ?? null, after };
    if (after === null) held.delete(of);
    else held.set(of, after);
    return change;
  });

test("after any changes the rows are those of filter, sort and limit over all", () => {
  fc.assert(
    fc.property(
      spec,
      fc.array(edit, { maxLength: 20 }),
      fc.array(step, { maxLength: 20 }),
      (of, start, steps) => {
        const held = new Map<string, Reading>();
        changesOf(held, start);
        const live = createLiveQuery(compileQuery(of, kinds), keyedOf(held));
        expect(live.rows()).toEqual(naiveRows(of, kinds, keyedOf(held)));
        for (const edits of steps) {
          const shown = live.rows();
          const copy = structuredClone(shown);
          const result = live.apply(changesOf(held, edits));
          expect(result.rows).toEqual(naiveRows(of, kinds, keyedOf(held)));
          expect(live.rows()).toBe(result.rows);
          // What was given out is never touched, and given out again where it shows the same.
          expect(shown).toEqual(copy);
          expect(result.changed).toBe(result.rows !== shown);
          const isSame = isJsonEqual(shown as JsonValue, result.rows as JsonValue);
          if (isSame && edits.length === 1) expect(result.rows).toBe(shown);
        }
      },
    ),
    { numRuns: 1_500 },
  );
});

test("rows read anew replace what was held, and stay the same objects where they are the same", () => {
  fc.assert(
    fc.property(
      spec,
      fc.array(edit),
      fc.array(edit, { maxLength: 3 }),
      fc.array(edit),
      (of, start, between, after) => {
        const held = new Map<string, Reading>();
        changesOf(held, start);
        const live = createLiveQuery(compileQuery(of, kinds), keyedOf(held));
        const again = live.replace(structuredClone(keyedOf(held)).toReversed());
        expect(again.changed).toBe(false);
        changesOf(held, between);
        const shown = live.rows();
        const { rows } = live.replace(structuredClone(keyedOf(held)));
        expect(rows).toEqual(naiveRows(of, kinds, keyedOf(held)));
        const objects = new Set(shown);
        for (const each of rows) {
          const twin = shown.find((other) => isJsonEqual(other as JsonValue, each as JsonValue));
          if (twin !== undefined && between.length === 0) expect(objects.has(each)).toBe(true);
        }
        expect(live.apply(changesOf(held, after)).rows).toEqual(
          naiveRows(of, kinds, keyedOf(held)),
        );
      },
    ),
  );
});
