import { describe, expect, test } from "vitest";
import {
  compareRevisions,
  generationOf,
  hashOf,
  parseRevision,
  type Revision,
  revisionOf,
} from "./revision.ts";

describe("[COUCH-1] a revision", () => {
  test.each([
    "",
    "1",
    "1-",
    "-a",
    "0-a",
    "01-a",
    "1.5-a",
    "1000000000-a",
    "1-a b",
    "1-a\n",
    " 1-a",
    "1-a-b",
    "1-å",
    `1-${"a".repeat(65)}`,
  ])("is not %j", (text) => {
    expect(parseRevision(text)).toBeNull();
  });

  test.each(["1-a", "999999999-0._Z", `7-${"a".repeat(64)}`])("is %j", (text) => {
    expect(parseRevision(text)).toBe(text);
  });

  test("has a hash of 32 hexadecimal digits in lower case, and any other as it came", () => {
    expect(parseRevision(`3-${"AB".repeat(16)}`)).toBe(`3-${"ab".repeat(16)}`);
    expect(revisionOf(3, "AB")).toBe("3-AB");
  });

  test("has a generation and a hash", () => {
    const revision = revisionOf(12, "abc");
    expect([generationOf(revision), hashOf(revision)]).toEqual([12, "abc"]);
  });
});

test("[COUCH-2] revisions stand by generation, as a number, and then by hash", () => {
  const sorted = ["2-a", "2-b", "10-a", "10-a0"] as readonly string[] as readonly Revision[];
  expect(sorted.toReversed().toSorted(compareRevisions)).toEqual(sorted);
  expect(compareRevisions(revisionOf(2, "a"), revisionOf(2, "a"))).toBe(0);
});
