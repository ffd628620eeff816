import * as fc from "fast-check";
import { expect, test } from "vitest";
import { createLineSplitter } from "./line-splitter.ts";

const text = fc
  .array(fc.constantFrom("\r", "\n", "\r\n", "a", "bc", "é", "😀", ""), { maxLength: 30 })
  .map((parts) => parts.join(""));

test("however a text is cut, its lines are the same, and what follows the last end is none", () => {
  fc.assert(
    fc.property(text, fc.array(fc.nat({ max: 60 }), { maxLength: 12 }), (whole, cuts) => {
      const split = createLineSplitter(1_000);
      const places = [0, ...cuts.toSorted((a, b) => a - b), whole.length];
      const lines = places.flatMap((place, index) =>
        split(whole.slice(places[index - 1] ?? 0, place)),
      );
      expect(lines).toEqual(whole.split(/\r\n|\r|\n/).slice(0, -1));
    }),
    { numRuns: 2_000 },
  );
});

test("a line that is too long is given up, in one piece or in many", () => {
  expect(() => createLineSplitter(10)("x".repeat(11))).toThrow("too long");
  const split = createLineSplitter(10);
  for (let count = 0; count < 10; count += 1) expect(split("x")).toEqual([]);
  expect(split("\n")).toEqual(["x".repeat(10)]);
  for (let count = 0; count < 10; count += 1) split("x");
  expect(() => split("x")).toThrow("too long");
});

test("a long line in small pieces costs no more than its length", () => {
  const split = createLineSplitter(10_000_000);
  for (let count = 0; count < 1_000_000; count += 1) split("xxxxx");
  expect(split("\n")[0]).toHaveLength(5_000_000);
});
