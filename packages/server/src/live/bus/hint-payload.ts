import { isSpaceId } from "@synchro/core";
import type { Hint } from "./bus.ts";

/** Bytes of one message: PostgreSQL takes less than 8,000 in a notification. All are ASCII. */
export const PAYLOAD_BYTES_MAX = 7_900;

/** Stands in place of hints that the sender had no room for: look at everything. */
const EVERYTHING = "*";

const HINT_PATTERN = /^(.{1,63}):(\d{1,16})$/;

/** What a message says; `malformed` counts the words that are none of ours, which say nothing. */
export type ReadPayload = {
  readonly hints: readonly Hint[];
  readonly isGap: boolean;
  readonly malformed: number;
};

export const gapPayload = EVERYTHING;

/** As few messages as hold the hints, such as `shop-1:4711 shop-2:12`. */
export const encodeHints = (hints: Iterable<Hint>): readonly string[] => {
  const payloads: string[] = [];
  let payload = "";
  for (const { space, seq } of hints) {
    const word = `${space}:${seq}`;
    if (payload.length + 1 + word.length > PAYLOAD_BYTES_MAX) {
      payloads.push(payload);
      payload = "";
    }
    payload = payload === "" ? word : `${payload} ${word}`;
  }
  return payload === "" ? payloads : [...payloads, payload];
};

const readHint = (word: string): Hint | null => {
  const [, space = "", digits = ""] = HINT_PATTERN.exec(word) ?? [];
  const seq = Number(digits);
  return isSpaceId(space) && Number.isSafeInteger(seq) ? { space, seq } : null;
};

/** Takes a message apart that anybody may have written. One that is too long says nothing. */
export const readPayload = (payload: string): ReadPayload => {
  if (payload.length > PAYLOAD_BYTES_MAX) return { hints: [], isGap: false, malformed: 1 };
  const words = payload.split(" ");
  const hints = words.flatMap((word) => readHint(word) ?? []);
  const gaps = words.filter((word) => word === EVERYTHING).length;
  return { hints, isGap: gaps > 0, malformed: words.length - hints.length - gaps };
};
