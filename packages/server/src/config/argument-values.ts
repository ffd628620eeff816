import { isSpaceId, type SpaceId } from "@synchro/core";
import { type Given, refuseUsage } from "./arguments.ts";

const quote = (text: string): string => JSON.stringify(text);

/** A text that is not blank; null where none was given. */
export const readText = (given: Given | undefined): string | null => {
  if (given === undefined) return null;
  return given.text.trim() === "" ? refuseUsage(`${given.place} must not be empty`) : given.text;
};

/** A text that must be given: `flag` names it in the refusal. */
export const requireText = (given: Given | undefined, flag: string): string =>
  readText(given) ?? refuseUsage(`${flag} is missing`);

/** A whole number from `min` to `max`; null where none was given. */
export const readWhole = (
  given: Given | undefined,
  bounds: { readonly min: number; readonly max: number },
): number | null => {
  if (given === undefined) return null;
  const { min, max } = bounds;
  const number = /^\d{1,16}$/.test(given.text) ? Number(given.text) : Number.NaN;
  return number >= min && number <= max
    ? number
    : refuseUsage(
        `${given.place} must be a whole number from ${min} to ${max}, not ${quote(given.text)}`,
      );
};

/** One of a few words; null where none was given. */
export const readChoice = <Choice extends string>(
  given: Given | undefined,
  choices: readonly Choice[],
): Choice | null => {
  if (given === undefined) return null;
  const choice = choices.find((name) => name === given.text);
  return (
    choice ??
    refuseUsage(`${given.place} must be one of ${choices.join(", ")}, not ${quote(given.text)}`)
  );
};

const secondsByUnit = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;

/** A span such as `30s`, `15m`, `12h` or `90d`, in seconds; null where none was given. */
export const readSpan = (given: Given | undefined): number | null => {
  if (given === undefined) return null;
  const match = /^(\d{1,7})([smhd])$/.exec(given.text);
  if (match === null || Number(match[1]) === 0) {
    return refuseUsage(
      `${given.place} must be a span such as 30s, 15m, 12h or 90d, not ${quote(given.text)}`,
    );
  }
  return Number(match[1]) * secondsByUnit[match[2] as keyof typeof secondsByUnit];
};

/** The id of a space (a shop), for an operand or a flag that `place` names. */
export const readSpace = (given: Given): SpaceId =>
  isSpaceId(given.text)
    ? given.text
    : refuseUsage(
        `${given.place} must be the id of a space, [a-z0-9][a-z0-9._-]{0,62}, not ${quote(given.text)}`,
      );

/** An origin exactly as a browser sends it (RFC 6454, section 6.2): anything else would never match. */
export const readOrigin = ({ text, place }: Given): string => {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && /^https?:$/.test(url.protocol) && url.origin === text) return text;
  const meant = url !== null && url.origin !== "null" ? `: did you mean ${url.origin}?` : "";
  return refuseUsage(
    `${place} must be an origin such as https://app.example, without a path, not ${quote(text)}${meant}`,
  );
};
