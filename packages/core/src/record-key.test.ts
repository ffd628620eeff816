import { describe, expect, test } from "vitest";
import { recordKeyProblem } from "./record-key.ts";

describe("a key is refused", () => {
  test.each([
    ["empty", "", "empty"],
    ["of 251 letters", "a".repeat(251), "250 code points"],
    ["of 251 characters beyond U+FFFF", "😀".repeat(251), "250 code points"],
    ["of a megabyte", "a".repeat(1 << 20), "250 code points"],
    ["with U+0000", "a\u0000b", "U+0000"],
    ["with half a surrogate pair", "a\ud83d", "well-formed"],
    ["with a pair the wrong way round", "\ude00\ud83d", "well-formed"],
  ])("[DATA-3] %s", (_, key, rule) => {
    expect(recordKeyProblem(key)).toContain(rule);
  });
});

describe("a key is taken", () => {
  test.each([
    ["of one letter", "a"],
    ["of one space", " "],
    ["of 250 letters", "a".repeat(250)],
    ["of 250 characters and 1,000 bytes", "😀".repeat(250)],
    ["that the origin has", "test_4"],
    ["with what a path or a quote would mind", "../a/'\"\\\n%00?#"],
  ])("[DATA-3] %s", (_, key) => {
    expect(recordKeyProblem(key)).toBeNull();
  });
});
