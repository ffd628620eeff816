import { countCodePoints, isStorableText, utf8Length } from "./unicode.ts";

export const KEY_CODE_POINTS_MAX = 250;
export const KEY_BYTES_MAX = 1_000;

/** What is wrong with a record key, as a rule to show; null if nothing is. */
export const recordKeyProblem = (key: string): string | null => {
  // A UTF-16 unit is at most one code point: too many units for pairs alone need no counting.
  if (key.length === 0) return "must not be empty";
  if (key.length > 2 * KEY_CODE_POINTS_MAX || countCodePoints(key) > KEY_CODE_POINTS_MAX) {
    return `must have at most ${KEY_CODE_POINTS_MAX} code points`;
  }
  if (!isStorableText(key)) return "must be well-formed Unicode without U+0000";
  if (utf8Length(key) > KEY_BYTES_MAX) return `must have at most ${KEY_BYTES_MAX} bytes in UTF-8`;
  return null;
};
