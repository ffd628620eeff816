import { describe, expect, test } from "vitest";
import { compareCodePoints, countCodePoints, isStorableText, utf8Length } from "./unicode.ts";

test.each([
  ["", 0],
  ["a", 1],
  ["é", 1],
  ["e\u0301", 2],
  ["😀", 1],
  ["\u{10000}", 1],
  ["\u{10ffff}", 1],
  ["a😀b", 3],
  ["\ud83d", 1],
  ["\ude00", 1],
  ["\ude00\ud83d", 2],
  ["\ud83d\ud83d\ude00", 2],
])("[DATA-3] %j has %i code points", (text, count) => {
  expect(countCodePoints(text)).toBe(count);
});

test.each([
  ["", 0],
  ["\u007f", 1],
  ["\u0080", 2],
  ["\u07ff", 2],
  ["\u0800", 3],
  ["\ud7ff", 3],
  ["\ue000", 3],
  ["\uffff", 3],
  ["\u{10000}", 4],
  ["\u{10ffff}", 4],
])("[DATA-3] %j has %i bytes", (text, bytes) => {
  expect(utf8Length(text)).toBe(bytes);
});

describe("compareCodePoints", () => {
  test("[DATA-18] puts a character beyond U+FFFF after U+FFFD, unlike UTF-16 units", () => {
    expect(["\ufffd", "\u{1f600}"].toSorted()).toEqual(["\u{1f600}", "\ufffd"]);
    expect(compareCodePoints("\u{1f600}", "\ufffd")).toBeGreaterThan(0);
    expect(compareCodePoints("\ufffd", "\u{1f600}")).toBeLessThan(0);
  });

  test.each([
    ["", "a"],
    ["a", "aa"],
    ["a", "b"],
    ["Z", "a"],
    ["10", "9"],
    ["\ud7ff", "\ue000"],
    ["\u{10000}", "\u{10001}"],
    ["\u{103ff}", "\u{10400}"],
    ["x\uffff", "x\u{10000}"],
  ])("[DATA-18] %j comes before %j", (a, b) => {
    expect(compareCodePoints(a, b)).toBeLessThan(0);
    expect(compareCodePoints(b, a)).toBeGreaterThan(0);
    expect(compareCodePoints(a, a)).toBe(0);
  });
});

test.each(["\u0000", "a\u0000b", "\ud83d", "a\ude00", "\ude00\ud83d"])(
  "[DATA-13] %j can't be stored",
  (text) => {
    expect(isStorableText(text)).toBe(false);
  },
);

test.each(["", "a", "😀", "\u0001", "\ufeff", "\ufffd", "\uffff", "e\u0301"])(
  "[DATA-13] %j can",
  (text) => {
    expect(isStorableText(text)).toBe(true);
  },
);
