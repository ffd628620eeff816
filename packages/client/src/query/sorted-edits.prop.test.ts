import * as fc from "fast-check";
import { expect, test } from "vitest";
import { applyEdits, applyEditsTo, lowerBound } from "./sorted-edits.ts";

const sortedSet = (max: number, maxLength: number): fc.Arbitrary<number[]> =>
  fc.uniqueArray(fc.nat({ max }), { maxLength }).map((items) => items.toSorted((a, b) => a - b));

test("few edits or many, one list comes of them, and the old one stays unless it may be changed", () => {
  fc.assert(
    fc.property(sortedSet(60, 40), sortedSet(60, 40), sortedSet(60, 40), (list, gone, added) => {
      const removed = list.flatMap((item, index) => (gone.includes(item) ? [index] : []));
      const inserted = added
        .filter((item) => !list.includes(item) || gone.includes(item))
        .map((item) => ({ at: lowerBound(list, item, (a, b) => a - b), item }));
      const kept = list.filter((item) => !gone.includes(item));
      const before = list.slice();
      const after = [...kept, ...inserted.map(({ item }) => item)].toSorted((a, b) => a - b);
      expect(applyEdits(list, { removed, inserted })).toEqual(after);
      expect(list).toEqual(before);
      expect(applyEditsTo(list, { removed, inserted })).toEqual(after);
    }),
    { numRuns: 1_000 },
  );
});

test("the lower bound is the first place that keeps the order", () => {
  const compare = (a: number, b: number): number => a - b;
  expect([0, 1, 2, 3, 5, 6].map((item) => lowerBound([1, 2, 2, 5], item, compare))).toEqual([
    0, 0, 1, 3, 3, 4,
  ]);
  expect(lowerBound([], 1, compare)).toBe(0);
});
