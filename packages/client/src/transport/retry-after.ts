/**
 * How long a server asks to be left alone (RFC 9110, section 10.2.3), in milliseconds and at most
 * `maxMs`; null where it doesn't say, or says it as a date: Synchro never does, and a date would have
 * to be held against clocks that are wrong.
 */
export const retryAfterMs = (value: string | null, maxMs: number): number | null => {
  const text = value?.trim() ?? "";
  return /^\d+$/.test(text) ? Math.min(Number(text) * 1000, maxMs) : null;
};
