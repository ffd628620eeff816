import { describe, expect, test } from "vitest";
import {
  addMicros,
  formatStamp,
  laterStamp,
  parseStamp,
  STAMP_MAX,
  STAMP_MIN,
  stampFromMillis,
  stampFromSeconds,
  stampToMillis,
} from "./stamp.ts";
import { at } from "../testing/samples.ts";

describe("parseStamp", () => {
  test.each([
    "",
    "2026-11-24",
    "2026-11-24T10:00Z",
    "2026-11-24 10:00:00Z",
    "2026-11-24t10:00:00Z",
    "2026-11-24T10:00:00z",
    "2026-11-24T10:00:00",
    "2026-11-24T10:00:00+00:00",
    "2026-11-24T10:00:00.Z",
    "2026-11-24T10:00:00.1234567Z",
    "2026-11-24T10:00:00,5Z",
    "2026-11-24T24:00:00Z",
    "2026-11-24T10:60:00Z",
    "2026-11-24T10:00:60Z",
    "2026-13-24T10:00:00Z",
    "2026-00-24T10:00:00Z",
    "2026-11-31T10:00:00Z",
    "2026-11-00T10:00:00Z",
    "2023-02-29T10:00:00Z",
    "1900-02-29T10:00:00Z",
    "0000-12-31T10:00:00Z",
    "+02026-11-24T10:00:00Z",
    "-2026-11-24T10:00:00Z",
    "10000-01-01T00:00:00Z",
    "2026-11-24T10:00:00Z\n",
    " 2026-11-24T10:00:00Z",
    "２026-11-24T10:00:00Z",
    "2026-11-24T10:00:00.٠Z",
  ])("[DATA-4] refuses %j", (text) => {
    expect(parseStamp(text)).toBeNull();
  });

  test.each([
    ["0001-01-01T00:00:00Z", STAMP_MIN],
    ["9999-12-31T23:59:59.999999Z", STAMP_MAX],
    ["2024-02-29T23:59:59.5Z", "2024-02-29T23:59:59.500000Z"],
    ["2000-02-29T00:00:00.000001Z", "2000-02-29T00:00:00.000001Z"],
    ["0099-03-01T04:05:06.07Z", "0099-03-01T04:05:06.070000Z"],
  ])("[DATA-4] reads %s", (text, stamp) => {
    expect(parseStamp(text)).toBe(stamp);
  });

  test("[DATA-4] takes and refuses the same days with six digits of a fraction as with none", () => {
    const two = (part: number): string => String(part).padStart(2, "0");
    for (const year of ["0000", "1900", "2023", "2024"]) {
      for (let month = 0; month <= 13; month += 1) {
        for (let day = 0; day <= 32; day += 1) {
          const time = `${year}-${two(month)}-${two(day)}T10:00:00`;
          expect(parseStamp(`${time}.000000Z`)).toBe(parseStamp(`${time}Z`));
        }
      }
    }
  });

  test("[DATA-5] forms of one instant are one stamp", () => {
    const forms = ["", ".0", ".00", ".000", ".0000", ".00000", ".000000"];
    const stamps = forms.map((fraction) => parseStamp(`2026-11-24T10:00:00${fraction}Z`));
    expect(new Set(stamps)).toEqual(new Set(["2026-11-24T10:00:00.000000Z"]));
  });
});

describe("formatStamp", () => {
  test.each([
    ["2026-11-24T10:00:00.000000Z", "2026-11-24T10:00:00Z"],
    ["2026-11-24T10:00:00.5Z", "2026-11-24T10:00:00.500000Z"],
    ["2026-11-24T10:00:00.000001Z", "2026-11-24T10:00:00.000001Z"],
    ["0001-01-01T00:00:00.1Z", "0001-01-01T00:00:00.100000Z"],
  ])("[DATA-5] writes %s as %s", (stamp, text) => {
    expect(formatStamp(at(stamp))).toBe(text);
  });
});

describe("stampFromSeconds", () => {
  test("is null outside the years 1 to 9999", () => {
    expect(stampFromSeconds(-62_135_596_801, 999_999)).toBeNull();
    expect(stampFromSeconds(-62_135_596_800, 0)).toBe(STAMP_MIN);
    expect(stampFromSeconds(253_402_300_799, 999_999)).toBe(STAMP_MAX);
    expect(stampFromSeconds(253_402_300_800, 0)).toBeNull();
  });
});

describe("stampFromMillis", () => {
  test.each([
    [0, "1970-01-01T00:00:00.000000Z"],
    [-1, "1969-12-31T23:59:59.999000Z"],
    [-0.5, "1969-12-31T23:59:59.999500Z"],
    // So little before a second that a double can't tell: it stays before it.
    [-1e-20, "1969-12-31T23:59:59.999999Z"],
    [1.25, "1970-01-01T00:00:00.001250Z"],
    [999.999_999, "1970-01-01T00:00:00.999999Z"],
    [-62_135_596_800_000, STAMP_MIN],
    [-62_135_596_800_001, STAMP_MIN],
    [-1e18, STAMP_MIN],
    [253_402_300_800_000, STAMP_MAX],
    [1e18, STAMP_MAX],
  ])("%d ms is %s", (millis, stamp) => {
    expect(stampFromMillis(millis)).toBe(stamp);
  });

  test("keeps microseconds as a fraction on the way back", () => {
    expect(stampToMillis(at("1970-01-01T00:00:00.001250Z"))).toBe(1.25);
    expect(stampToMillis(at("1969-12-31T23:59:59.999500Z"))).toBe(-0.5);
  });
});

describe("addMicros", () => {
  test.each([
    ["2026-12-31T23:59:59.999999Z", 1, "2027-01-01T00:00:00Z"],
    ["2027-01-01T00:00:00Z", -1, "2026-12-31T23:59:59.999999Z"],
    ["2024-02-28T23:59:59.999999Z", 1, "2024-02-29T00:00:00Z"],
    ["2023-02-28T23:59:59.999999Z", 1, "2023-03-01T00:00:00Z"],
    ["1970-01-01T00:00:00Z", -1_000_001, "1969-12-31T23:59:58.999999Z"],
    ["1969-12-31T23:59:59.5Z", 500_000, "1970-01-01T00:00:00Z"],
    ["2026-11-24T10:00:00.000001Z", 0, "2026-11-24T10:00:00.000001Z"],
    ["9999-12-31T23:59:59.999999Z", 1, "9999-12-31T23:59:59.999999Z"],
    ["0001-01-01T00:00:00Z", -1, "0001-01-01T00:00:00Z"],
  ])("%s + %d µs is %s", (from, micros, to) => {
    expect(addMicros(at(from), micros)).toBe(at(to));
  });
});

test("laterStamp takes the later, whichever comes first", () => {
  const [early, late] = [at("0999-01-01T00:00:00Z"), at("1000-01-01T00:00:00.000001Z")];
  expect(laterStamp(early, late)).toBe(late);
  expect(laterStamp(late, early)).toBe(late);
  expect(laterStamp(late, late)).toBe(late);
});
