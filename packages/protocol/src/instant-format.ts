import { parseInstant } from "@synchro/core";

/**
 * The JSON Schema `format` of an `expiration_date` and of every date of `/v1`: a full-date or a
 * date-time of ISO 8601 with `T` or a space, seconds optional, 0 to 9 fractional digits, and a zone
 * `Z`, `+02:00`, `+0200`, `+02` or none (UTC). Core's `parseInstant` is the rule; JSON Schema's own
 * `date-time` is narrower (it demands seconds and a zone) and must not stand in for it.
 */
export const INSTANT_FORMAT = "instant";

/** Whether a text has the format {@link INSTANT_FORMAT}. */
export const isInstant = (text: string): boolean => parseInstant(text) !== null;

/** The rule in words, to come after a field's name. */
export const INSTANT_RULE =
  "must be an ISO 8601 date or date-time, such as 2026-12-01 or 2026-12-01T08:30:00Z";
