import type { Stamp } from "./stamp.ts";

/** Stops what it was returned for; calling it twice, or too late, does nothing. */
export type Cancel = () => void;

/**
 * Everything that a room may know of the outside world. No room reads a clock, draws a random
 * number or sets a timer by itself: the simulation replaces this object and then owns all three.
 */
export type Runtime = {
  /** The wall clock. It may jump in either direction; nothing correct depends on its order. */
  readonly now: () => Stamp;
  /** Milliseconds from an arbitrary origin; never goes back. For durations only. */
  readonly monotonicMs: () => number;
  /** Runs `task` once, `delayMs` milliseconds from now. */
  readonly after: (delayMs: number, task: () => void) => Cancel;
  /** Runs `task` once the work that is ready now has run: how pushes that wait come to share a commit. */
  readonly soon: (task: () => void) => void;
  /** `count` bytes that nobody can predict. */
  readonly randomBytes: (count: number) => Uint8Array;
  /** SHA-256 (FIPS 180-4) of the UTF-8 form of `text`: 32 bytes. */
  readonly sha256: (text: string) => Uint8Array;
};

const hexByByte = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Bytes as lower-case hexadecimal, two digits a byte. */
export const toHex = (bytes: Uint8Array): string => {
  let text = "";
  for (const byte of bytes) text += hexByByte[byte];
  return text;
};
