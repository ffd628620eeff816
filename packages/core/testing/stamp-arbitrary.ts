import fc from "fast-check";
import { type Stamp, stampFromSeconds } from "../src/stamp.ts";

/** Seconds since 1970 of the first second of the year 1 and of the last one of the year 9999. */
const SECONDS_MIN = -62_135_596_800;
const SECONDS_MAX = 253_402_300_799;

/** Seconds and microseconds of any stamp, with the edges of days and years more often than chance has them. */
export const arbitraryInstant: fc.Arbitrary<{ readonly seconds: number; readonly micros: number }> =
  fc.record({
    seconds: fc.oneof(
      { weight: 3, arbitrary: fc.integer({ min: SECONDS_MIN, max: SECONDS_MAX }) },
      {
        weight: 1,
        arbitrary: fc.integer({ min: -719_162, max: 2_932_895 }).map((day) => day * 86_400),
      },
      {
        weight: 1,
        arbitrary: fc
          .integer({ min: -719_162, max: 2_932_895 })
          .map((day) => day * 86_400 + 86_399),
      },
      { weight: 1, arbitrary: fc.constantFrom(SECONDS_MIN, SECONDS_MAX, -1, 0) },
    ),
    micros: fc.oneof(fc.integer({ min: 0, max: 999_999 }), fc.constantFrom(0, 1, 999_999, 500_000)),
  });

/** Any stamp. */
export const arbitraryStamp: fc.Arbitrary<Stamp> = arbitraryInstant.map(({ seconds, micros }) => {
  const stamp = stampFromSeconds(seconds, micros);
  if (stamp === null) throw new Error(`${seconds} lies outside the years 1 to 9999`);
  return stamp;
});
