import { parseInstant } from "@synchro/core";

const fullDate = /^\d{4}-\d{2}-\d{2}$/;
const dateTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/;

/** What each `format` of a collection's schema accepts; any other format in a schema is refused. */
export const dateFormats = {
  /** A full-date of RFC 3339 that the calendar has. */
  date: (text: string): boolean => fullDate.test(text) && parseInstant(text) !== null,
  /** A date-time of RFC 3339, with a zone; no leap seconds, 1 to 9 fractional digits. */
  "date-time": (text: string): boolean => dateTime.test(text) && parseInstant(text) !== null,
  /** Whatever `/v1` reads as a date: see core's `parseInstant`. */
  instant: (text: string): boolean => parseInstant(text) !== null,
} as const;

/** The formats in words, for a message that says what a member must be. */
export const dateFormatNames: { readonly [format: string]: string } = {
  date: "a date YYYY-MM-DD",
  "date-time": "a date-time YYYY-MM-DDTHH:MM:SS[.f] with a zone (Z or +HH:MM)",
  instant: "a date or a date-time (ISO 8601)",
};
