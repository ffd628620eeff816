import { daysFromCivil, isCivilDate } from "./civil-date.ts";
import { type Stamp, stampFromSeconds } from "./stamp.ts";

const form =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{0,9}))?)?(Z|[+-]\d{2}(?::?\d{2})?)?)?$/;

const offsetSeconds = (zone: string): number | null => {
  if (zone === "" || zone === "Z") return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(3).replace(":", "") || "0");
  if (hours > 23 || minutes > 59) return null;
  return (zone.startsWith("-") ? -1 : 1) * (hours * 3600 + minutes * 60);
};

/**
 * Reads a date of `/v1`, and any `expiration_date`: ISO 8601 with `T` or a space, seconds optional,
 * 0 to 9 fractional digits (cut to 6), zone `Z`, `+02:00`, `+0200`, `+02` or none (UTC), or a bare
 * date (its midnight, UTC). Null for anything else, and for instants outside the years 1 to 9999.
 */
export const parseInstant = (text: string): Stamp | null => {
  if (text.length > 40) return null;
  const match = form.exec(text);
  if (match === null) return null;
  const [, year, month, day, hour = "00", minute = "00", second = "00", fraction = "", zone = ""] =
    match;
  if (!isCivilDate(Number(year), Number(month), Number(day))) return null;
  if (hour > "23" || minute > "59" || second > "59") return null;
  const offset = offsetSeconds(zone);
  if (offset === null) return null;
  const days = daysFromCivil(Number(year), Number(month), Number(day));
  const seconds = days * 86_400 + Number(hour) * 3600 + Number(minute) * 60 + Number(second);
  const micros = Number(fraction.slice(0, 6).padEnd(6, "0"));
  return stampFromSeconds(seconds - offset, micros);
};
