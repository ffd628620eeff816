import { expect, test } from "vitest";
import { isSpaceId } from "./space-id.ts";

test.each([
  "",
  ".",
  "..",
  "-a",
  "_a",
  ".a",
  "A",
  "aB",
  "a/b",
  "a b",
  "é",
  "a\n",
  "a%2fb",
  "a".repeat(64),
])("[DATA-1] %j is no space's id", (text) => {
  expect(isSpaceId(text)).toBe(false);
});

test.each(["a", "0", "default", "shop-1", "shop.berlin_2", "a..", "a".repeat(63)])(
  "[DATA-1] %j is one",
  (text) => {
    expect(isSpaceId(text)).toBe(true);
  },
);
