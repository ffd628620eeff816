/** The longest wait after the first failure; it doubles with each that follows. */
const FIRST_MS = 1_000;
const LONGEST_MS = 60_000;
/** Spread of a time that the server named: it told the same to everybody. */
const SPREAD = 0.5;

/**
 * How long to wait after failures in a row: at random up to a bound that doubles, so that devices
 * which lost the same server don't return to it together; never less than the server asked for.
 *
 * @param failures how many, at least 1
 * @param random from 0 up to, and without, 1
 */
export const backoffMs = (
  failures: number,
  retryAfterMs: number | null,
  random: number,
): number => {
  const bound = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 16));
  if (retryAfterMs === null) return Math.round(bound / 2 + (bound / 2) * random);
  return Math.round(retryAfterMs * (1 + SPREAD * random)) + Math.round(FIRST_MS * random);
};
