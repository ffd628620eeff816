import fc from "fast-check";
import { expect, test } from "vitest";
import { parseInstant } from "./instant.ts";

const run = { seed: 20_261_124, numRuns: 3_000 };
const pad = (value: number, length = 2): string => String(value).padStart(length, "0");

const arbitraryDate = fc.record({
  year: fc.oneof(
    fc.integer({ min: 1, max: 9999 }),
    fc.constantFrom(1, 99, 100, 400, 1899, 1900, 2000, 2024, 9999),
  ),
  month: fc.integer({ min: 1, max: 12 }),
  day: fc.integer({ min: 1, max: 31 }),
});

const arbitraryTime = fc.record({
  gap: fc.constantFrom("T", " "),
  hour: fc.integer({ min: 0, max: 23 }),
  minute: fc.integer({ min: 0, max: 59 }),
  second: fc.option(fc.integer({ min: 0, max: 59 })),
  digits: fc.option(fc.stringMatching(/^\d{1,9}$/)),
});

const arbitraryZone = fc.record({
  sign: fc.constantFrom("+", "-"),
  hours: fc.integer({ min: 0, max: 23 }),
  minutes: fc.integer({ min: 0, max: 59 }),
  form: fc.constantFrom("none", "Z", "+02:00", "+0200", "+02"),
});

const zoneText = (zone: { sign: string; hours: number; minutes: number; form: string }): string => {
  const { sign, hours, minutes, form } = zone;
  if (form === "none") return "";
  if (form === "Z") return "Z";
  if (form === "+02") return sign + pad(hours);
  return `${sign}${pad(hours)}${form === "+02:00" ? ":" : ""}${pad(minutes)}`;
};

/** The same zone as ECMAScript's date-time format has it, the only one that Date must read. */
const zoneForDate = (zone: {
  sign: string;
  hours: number;
  minutes: number;
  form: string;
}): string => {
  if (zone.form === "none" || zone.form === "Z") return "Z";
  return `${zone.sign}${pad(zone.hours)}:${zone.form === "+02" ? "00" : pad(zone.minutes)}`;
};

test("[V1-14] every form is the instant that Date reads, for every year", () => {
  fc.assert(
    fc.property(arbitraryDate, arbitraryTime, arbitraryZone, (date, time, zone) => {
      const day = `${pad(date.year, 4)}-${pad(date.month)}-${pad(date.day)}`;
      const clock = `${pad(time.hour)}:${pad(time.minute)}`;
      const seconds = time.second === null ? "" : `:${pad(time.second)}`;
      const fraction = time.second === null || time.digits === null ? "" : `.${time.digits}`;
      const text = day + time.gap + clock + seconds + fraction + zoneText(zone);

      // Date takes February 30 for March 1: a day that does not come back is none.
      const isDay = new Date(day).toJSON()?.startsWith(day) ?? false;
      const millis = Date.parse(`${day}T${clock}${seconds || ":00"}${zoneForDate(zone)}`);
      const isInRange =
        millis >= Date.parse("0001-01-01") && millis < Date.parse("9999-12-31") + 864e5;
      const micros = fraction.slice(1, 7).padEnd(6, "0");
      const expected =
        isDay && isInRange ? `${new Date(millis).toISOString().slice(0, 19)}.${micros}Z` : null;
      expect(parseInstant(text)).toBe(expected);
    }),
    run,
  );
});

test("[V1-14] any text is read or refused, and what is read is a stamp", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 45 }),
    fc.string({ unit: fc.constantFrom(..."0123456789-+:. TZ".split("")), maxLength: 45 }),
  );
  fc.assert(
    fc.property(text, (any) => {
      const stamp = parseInstant(any);
      if (stamp !== null) expect(stamp).toMatch(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/);
    }),
    run,
  );
});
