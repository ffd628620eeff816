import { civilFromDays, daysFromCivil, isCivilDate } from "./civil-date.ts";

declare const stampBrand: unique symbol;

/**
 * An instant of the years 1 to 9999, to the microsecond, always written
 * `YYYY-MM-DDTHH:MM:SS.ffffffZ`: 27 characters, so that `<`, `===` and a database's byte order are
 * the order of time. {@link formatStamp} gives the form for the wire.
 */
export type Stamp = string & { readonly [stampBrand]: true };

export const STAMP_MIN = "0001-01-01T00:00:00.000000Z" as Stamp;
export const STAMP_MAX = "9999-12-31T23:59:59.999999Z" as Stamp;

const MICROS_PER_SECOND = 1_000_000n;
const SECONDS_PER_DAY = 86_400;

const pad = (value: number, length: number): string => String(value).padStart(length, "0");

/** Seconds since 1970 and a fraction in microseconds (0 to 999,999) as a stamp; null outside the years 1 to 9999. */
export const stampFromSeconds = (seconds: number, micros: number): Stamp | null => {
  const days = Math.floor(seconds / SECONDS_PER_DAY);
  const rest = seconds - days * SECONDS_PER_DAY;
  const { year, month, day } = civilFromDays(days);
  if (year < 1 || year > 9999) return null;
  const hour = Math.floor(rest / 3600);
  const minute = Math.floor((rest % 3600) / 60);
  const date = `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`;
  const time = `${pad(hour, 2)}:${pad(minute, 2)}:${pad(rest % 60, 2)}`;
  return `${date}T${time}.${pad(micros, 6)}Z` as Stamp;
};

/** Milliseconds since 1970 (a JavaScript time, fractions allowed) as a stamp, clamped to the years 1 to 9999. */
export const stampFromMillis = (millis: number): Stamp => {
  const seconds = Math.floor(millis / 1000);
  // Bounded both ways: a time next to nothing below a whole second comes out as 1,000,000 or as -1.
  const micros = Math.max(0, Math.min(999_999, Math.floor((millis - seconds * 1000) * 1000)));
  return stampFromSeconds(seconds, micros) ?? (millis < 0 ? STAMP_MIN : STAMP_MAX);
};

const secondsOf = (stamp: Stamp): number =>
  daysFromCivil(Number(stamp.slice(0, 4)), Number(stamp.slice(5, 7)), Number(stamp.slice(8, 10))) *
    SECONDS_PER_DAY +
  Number(stamp.slice(11, 13)) * 3600 +
  Number(stamp.slice(14, 16)) * 60 +
  Number(stamp.slice(17, 19));

/** A stamp in milliseconds since 1970; microseconds become a fraction, exact to the double's precision. */
export const stampToMillis = (stamp: Stamp): number =>
  secondsOf(stamp) * 1000 + Number(stamp.slice(20, 26)) / 1000;

/** The stamp `micros` microseconds later (earlier if negative), clamped to the years 1 to 9999. */
export const addMicros = (stamp: Stamp, micros: number): Stamp => {
  const total =
    BigInt(secondsOf(stamp)) * MICROS_PER_SECOND + BigInt(stamp.slice(20, 26)) + BigInt(micros);
  let seconds = total / MICROS_PER_SECOND;
  let fraction = total % MICROS_PER_SECOND;
  if (fraction < 0n) {
    fraction += MICROS_PER_SECOND;
    seconds -= 1n;
  }
  return (
    stampFromSeconds(Number(seconds), Number(fraction)) ?? (micros < 0 ? STAMP_MIN : STAMP_MAX)
  );
};

/** The later of two stamps. */
export const laterStamp = (a: Stamp, b: Stamp): Stamp => (a > b ? a : b);

/** Nearly every stamp on the wire: the stored form already, and of a day that each month has. */
const storedForm =
  /^(?!0000)\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{6}Z$/;

const wireForm = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,6}))?Z$/;

/** Reads a `/v2` stamp, `YYYY-MM-DDTHH:MM:SS[.f]Z` with 1 to 6 fractional digits; null for anything else. */
export const parseStamp = (text: string): Stamp | null => {
  if (text.length > 27) return null;
  // Told apart without taking it to pieces: a third of the time, and there is one in every record.
  if (storedForm.test(text)) return text as Stamp;
  const match = wireForm.exec(text);
  if (match === null) return null;
  const [, year = "", month = "", day = "", hour = "", minute = "", second = "", fraction = ""] =
    match;
  if (year === "0000" || !isCivilDate(Number(year), Number(month), Number(day))) return null;
  if (hour > "23" || minute > "59" || second > "59") return null;
  return `${text.slice(0, 19)}.${fraction.padEnd(6, "0")}Z` as Stamp;
};

/** A stamp for the wire: `YYYY-MM-DDTHH:MM:SS[.ffffff]Z`, with no fraction when it is zero. */
export const formatStamp = (stamp: Stamp): string =>
  stamp.endsWith(".000000Z") ? `${stamp.slice(0, 19)}Z` : stamp;
