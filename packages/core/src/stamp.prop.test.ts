import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  addMicros,
  formatStamp,
  parseStamp,
  STAMP_MAX,
  STAMP_MIN,
  stampFromMillis,
  stampFromSeconds,
  stampToMillis,
} from "./stamp.ts";
import { arbitraryInstant, arbitraryStamp } from "../testing/stamp-arbitrary.ts";

const run = { seed: 20_261_124, numRuns: 2_000 };

/** Microseconds since 1970 by Date, which knows only milliseconds, and the text's own last digits. */
const microsByDate = (stamp: string): bigint =>
  BigInt(Date.parse(`${stamp.slice(0, 23)}Z`)) * 1000n + BigInt(stamp.slice(23, 26));

describe("a stamp", () => {
  test("[DATA-4] is what Date writes for the same second, for every year", () => {
    fc.assert(
      fc.property(arbitraryInstant, ({ seconds, micros }) => {
        const second = new Date(seconds * 1000).toISOString().slice(0, 19);
        const expected = `${second}.${String(micros).padStart(6, "0")}Z`;
        expect(stampFromSeconds(seconds, micros)).toBe(expected);
        expect(parseStamp(expected)).toBe(expected);
      }),
      run,
    );
  });

  test("[DATA-5] comes back from its wire form, and from every form with fewer zeros", () => {
    fc.assert(
      fc.property(arbitraryStamp, (stamp) => {
        expect(parseStamp(formatStamp(stamp))).toBe(stamp);
        const short = stamp.replace(/\.?0+Z$/, "Z");
        expect(parseStamp(short)).toBe(stamp);
      }),
      run,
    );
  });

  test("[DATA-5] the order of stamps as texts is the order of time", () => {
    fc.assert(
      fc.property(arbitraryStamp, arbitraryStamp, (a, b) => {
        const [left, right] = [microsByDate(a), microsByDate(b)];
        expect(a < b).toBe(left < right);
        expect(a === b).toBe(left === right);
      }),
      run,
    );
  });

  test("comes back from milliseconds, as far as a double tells them", () => {
    fc.assert(
      fc.property(arbitraryInstant, ({ seconds, micros }) => {
        const millis = seconds * 1000 + Math.floor(micros / 1000);
        const stamp = stampFromMillis(millis);
        expect(stampToMillis(stamp)).toBe(millis);
        expect(Date.parse(`${stamp.slice(0, 23)}Z`)).toBe(millis);
      }),
      run,
    );
  });
});

test("addMicros is addition, and stops at both ends", () => {
  const micros = fc.oneof(
    fc.integer({ min: -3_000_000, max: 3_000_000 }),
    fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }),
  );
  fc.assert(
    fc.property(arbitraryStamp, micros, (stamp, delta) => {
      const sum = microsByDate(stamp) + BigInt(delta);
      const [min, max] = [microsByDate(STAMP_MIN), microsByDate(STAMP_MAX)];
      const clamped = sum < min ? min : sum > max ? max : sum;
      expect(microsByDate(addMicros(stamp, delta))).toBe(clamped);
    }),
    run,
  );
});

test("[DATA-4] nothing but a stamp's form is read: what is read has the text's own digits", () => {
  const character = fc.constantFrom(..."0123456789TZ:.-+ z".split(""));
  const mutated = fc
    .tuple(arbitraryStamp, fc.nat(26), character, fc.integer({ min: 20, max: 27 }))
    .map(([stamp, index, put, end]) => {
      const cut = end > 26 ? stamp : `${stamp.slice(0, end)}Z`;
      return cut.slice(0, index) + put + cut.slice(index + 1);
    });
  fc.assert(
    fc.property(mutated, (text) => {
      const stamp = parseStamp(text);
      // Date.parse is more liberal in form and as strict in the calendar, but for 24:00.
      const isForm = /^\d{4}-\d{2}-\d{2}T(?!24)\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z$/.test(text);
      const isDay = new Date(text.slice(0, 10)).toJSON()?.startsWith(text.slice(0, 10)) ?? false;
      const isTime = !Number.isNaN(Date.parse(`2000-01-01${text.slice(10)}`));
      const isExpected = isForm && isDay && isTime && !text.startsWith("0000");
      expect(stamp !== null).toBe(isExpected);
      if (stamp !== null) expect(stamp.startsWith(text.slice(0, -1))).toBe(true);
    }),
    run,
  );
});
