import { describe, expect, test } from "vitest";
import { type History, insertHistory, isHistory } from "./insert-history.ts";
import { missingRevisions } from "./missing-revisions.ts";
import type { Revision } from "./revision.ts";
import {
  ancestryOf,
  conflictsOf,
  EMPTY_TREE,
  latestOf,
  leavesOf,
  winnerOf,
} from "./revision-tree.ts";
import { formatTree, parseTree } from "./tree-text.ts";

const revisions = (...names: readonly string[]) =>
  names as unknown as readonly [Revision, ...Revision[]];

const live = (...names: readonly string[]): History => ({
  revisions: revisions(...names),
  isDeleted: false,
});

const deletion = (...names: readonly string[]): History => ({
  revisions: revisions(...names),
  isDeleted: true,
});

const grow = (...histories: readonly History[]) => histories.reduce(insertHistory, EMPTY_TREE);

describe("[COUCH-4] the winner", () => {
  test("is none in an empty tree", () => {
    expect(winnerOf(EMPTY_TREE)).toBeNull();
    expect(leavesOf(EMPTY_TREE)).toEqual([]);
  });

  test("is the longest history, by number and not by text, then the greatest hash", () => {
    expect(winnerOf(grow(live("9-z"), live("10-a")))?.revision).toBe("10-a");
    expect(winnerOf(grow(live("2-b"), live("2-a")))?.revision).toBe("2-b");
  });

  test("is a live version rather than a longer deleted one", () => {
    const tree = grow(deletion("5-z"), live("1-a"));
    expect(winnerOf(tree)).toEqual({ revision: "1-a", isDeleted: false });
    expect(conflictsOf(tree)).toEqual([]);
  });

  test("of deletions alone is the longest", () => {
    expect(winnerOf(grow(deletion("2-a"), deletion("3-a")))?.revision).toBe("3-a");
  });

  test("leaves the live others as conflicts, by precedence", () => {
    const tree = grow(live("2-a", "1-a"), live("2-c", "1-a"), live("2-b", "1-a"), deletion("7-x"));
    expect(conflictsOf(tree)).toEqual(["2-b", "2-a"]);
  });
});

describe("[COUCH-3] a history", () => {
  test("counts down by one", () => {
    expect(isHistory(revisions("3-a", "2-b", "1-c"))).toBe(true);
    expect(isHistory(revisions("3-a", "1-c"))).toBe(false);
    expect(isHistory(revisions("2-a", "3-c"))).toBe(false);
    expect(isHistory([])).toBe(false);
  });

  test("that arrives before its beginning is joined to it later", () => {
    const tree = grow(live("3-c", "2-b"), live("1-a"));
    expect(leavesOf(tree).map(({ revision }) => revision)).toEqual(["3-c", "1-a"]);
    const whole = insertHistory(tree, live("2-b", "1-a"));
    expect(leavesOf(whole).map(({ revision }) => revision)).toEqual(["3-c"]);
    expect(ancestryOf(whole, revisions("3-c")[0])).toEqual(["3-c", "2-b", "1-a"]);
  });

  test("of an unknown version is empty", () => {
    expect(ancestryOf(EMPTY_TREE, revisions("1-a")[0])).toEqual([]);
  });

  test("leads on to what a version became", () => {
    const tree = grow(live("3-c", "2-b", "1-a"), live("2-d", "1-a"));
    expect(latestOf(tree, revisions("1-a")[0])).toEqual(["3-c", "2-d"]);
    expect(latestOf(tree, revisions("2-d")[0])).toEqual(["2-d"]);
    expect(latestOf(tree, revisions("9-x")[0])).toEqual([]);
  });
});

describe("[COUCH-7] what is missing", () => {
  const tree = grow(live("3-c", "2-b", "1-a"), live("2-d", "1-a"));

  test("is what is not known, and what it may descend from", () => {
    expect(missingRevisions(tree, revisions("2-b", "3-x", "1-a"))).toEqual({
      missing: ["3-x"],
      possibleAncestors: ["2-d"],
    });
  });

  test("is nothing where all is known", () => {
    expect(missingRevisions(tree, revisions("1-a"))).toEqual({
      missing: [],
      possibleAncestors: [],
    });
    expect(missingRevisions(EMPTY_TREE, revisions("1-a"))).toEqual({
      missing: ["1-a"],
      possibleAncestors: [],
    });
  });
});

describe("[COUCH-6] the text of a tree", () => {
  test("is a line a version", () => {
    expect(formatTree(grow(deletion("2-b", "1-a"), live("2-a", "1-a")))).toBe(
      "1-a -1 1\n2-a 0 0\n2-b 0 2",
    );
    expect(formatTree(EMPTY_TREE)).toBe("");
    expect(parseTree("")).toEqual(new Map());
  });

  test.each(["x", "1-a", "1-a 7 0", "1-a -1 x", "1-a -1 0\n"])("is not %j", (text) => {
    expect(() => parseTree(text)).toThrow(/line \d+ is none/);
  });
});
