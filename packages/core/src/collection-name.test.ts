import { describe, expect, test } from "vitest";
import {
  type CollectionName,
  collectionSet,
  isCollectionName,
  isSameCollectionSet,
} from "./collection-name.ts";

const names = (...texts: string[]): CollectionName[] => texts as CollectionName[];

test.each([
  "",
  "1a",
  "_a",
  "-a",
  "A",
  "aB",
  "a.b",
  "a b",
  "a~b",
  "a:b",
  "é",
  "a\n",
  "__proto__",
  `a${"b".repeat(63)}`,
])("[DATA-2] %j is no collection's name", (text) => {
  expect(isCollectionName(text)).toBe(false);
});

test.each(["a", "readings", "a1", "a_b-c", "a-", `a${"b".repeat(62)}`])(
  "[DATA-2] %j is one",
  (text) => {
    expect(isCollectionName(text)).toBe(true);
  },
);

describe("a set of collections", () => {
  test("[PULL-10] has neither order nor repeats", () => {
    const set = collectionSet(names("b", "a", "b", "a-", "a"));
    expect(set).toEqual(["a", "a-", "b"]);
    expect(isSameCollectionSet(set, collectionSet(names("a-", "b", "a")))).toBe(true);
  });

  test("[RESET-4] differs from a part of it, and from another of its size", () => {
    const set = collectionSet(names("a", "b"));
    expect(isSameCollectionSet(set, names("a"))).toBe(false);
    expect(isSameCollectionSet(names("a"), set)).toBe(false);
    expect(isSameCollectionSet(set, names("a", "c"))).toBe(false);
  });

  test("[RESET-4] all that are declared is another set than their names", () => {
    expect(isSameCollectionSet(null, names("a"))).toBe(false);
    expect(isSameCollectionSet(names("a"), null)).toBe(false);
    expect(isSameCollectionSet(null, [])).toBe(false);
    expect(isSameCollectionSet(null, null)).toBe(true);
  });
});
