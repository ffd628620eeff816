import { expect, test } from "vitest";
import { retryAfterMs } from "./retry-after.ts";

const HOUR_MS = 3_600_000;

test.each([null, "", "soon", "-1", "1.5", "7s", "Tue, 24 Nov 2026 10:00:07 GMT"])(
  "%j says nothing",
  (value) => {
    expect(retryAfterMs(value, HOUR_MS)).toBeNull();
  },
);

test.each([
  ["0", 0],
  ["120", 120_000],
  [" 7 ", 7_000],
  ["99999999999999999999", HOUR_MS],
])("%j in milliseconds", (value, ms) => {
  expect(retryAfterMs(value, HOUR_MS)).toBe(ms);
});
