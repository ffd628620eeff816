import { describe, expect, test } from "vitest";
import { civilFromDays, daysFromCivil, isCivilDate } from "./civil-date.ts";

/** A calendar that only knows how to turn a page: the oracle for the arithmetic. */
function* everyDay(): Generator<readonly [number, number, number]> {
  for (let year = 1; year <= 9999; year += 1) {
    const isLeap = new Date(`${String(year).padStart(4, "0")}-02-29T00:00:00Z`).getUTCDate() === 29;
    const lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    for (const [index, length] of lengths.entries()) {
      for (let day = 1; day <= length; day += 1) yield [year, index + 1, day];
    }
  }
}

describe("isCivilDate", () => {
  test.each([
    [2026, 0, 1],
    [2026, 13, 1],
    [2026, 1, 0],
    [2026, 1, 32],
    [2026, 4, 31],
    [2026, 2, 29],
    [1900, 2, 29],
    [2100, 2, 29],
    [2024, 2, 30],
    [2026, 12, 32],
  ])("[DATA-4] %i-%i-%i is no day", (year, month, day) => {
    expect(isCivilDate(year, month, day)).toBe(false);
  });

  test.each([
    [1, 1, 1],
    [4, 2, 29],
    [1600, 2, 29],
    [2000, 2, 29],
    [2024, 2, 29],
    [2026, 4, 30],
    [9999, 12, 31],
  ])("[DATA-4] %i-%i-%i is one", (year, month, day) => {
    expect(isCivilDate(year, month, day)).toBe(true);
  });
});

test("[DATA-4] every day of the years 1 to 9999 counts one more than the day before, and back", () => {
  // Date's own count of 0001-01-01; Date.parse, unlike Date.UTC, takes early years as they are.
  let expected = Date.parse("0001-01-01T00:00:00Z") / 86_400_000;
  const wrong: unknown[] = [];
  for (const [year, month, day] of everyDay()) {
    const days = daysFromCivil(year, month, day);
    const back = civilFromDays(days);
    const isBack = back.year === year && back.month === month && back.day === day;
    if (days !== expected || !isBack || !isCivilDate(year, month, day))
      wrong.push([year, month, day]);
    expected += 1;
  }
  expect(wrong).toEqual([]);
  expect(expected).toBe(Date.parse("9999-12-31T00:00:00Z") / 86_400_000 + 1);
});

test("the year 0, which an offset can reach, is a leap year before the year 1", () => {
  expect(daysFromCivil(0, 12, 31)).toBe(daysFromCivil(1, 1, 1) - 1);
  expect(daysFromCivil(0, 1, 1)).toBe(daysFromCivil(1, 1, 1) - 366);
  expect(isCivilDate(0, 2, 29)).toBe(true);
});
