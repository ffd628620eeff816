import { describe, expect, test } from "vitest";
import { backoffMs } from "./backoff.ts";

describe("the wait after failures", () => {
  test("doubles, is spread over half of itself, and has an end", () => {
    const bounds = [1, 2, 3, 4, 5, 6, 7, 8, 100].map((failures) => [
      backoffMs(failures, null, 0),
      backoffMs(failures, null, 0.999_999),
    ]);
    expect(bounds).toEqual([
      [500, 1_000],
      [1_000, 2_000],
      [2_000, 4_000],
      [4_000, 8_000],
      [8_000, 16_000],
      [16_000, 32_000],
      [30_000, 60_000],
      [30_000, 60_000],
      [30_000, 60_000],
    ]);
  });

  test("is never less than the server asked for, and spread beyond that", () => {
    expect(backoffMs(1, 10_000, 0)).toBe(10_000);
    expect(backoffMs(9, 10_000, 0.5)).toBe(13_000);
    expect(backoffMs(1, 0, 0.5)).toBe(500);
  });
});
