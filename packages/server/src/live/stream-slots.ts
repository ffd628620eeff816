import type { Runtime } from "@synchro/core";
import type { Limits } from "@synchro/protocol";
import type { Metrics, StreamKind } from "../metrics.ts";

/** Places for streams and long polls: each costs a connection, and up to one piece in memory. */
export type StreamSlots = {
  /** Takes a place, or null if all are taken. What it returns gives the place back; calling that again does nothing. */
  readonly take: (kind: StreamKind) => (() => void) | null;
  /** Seconds after which who found no place may ask again, drawn anew each time: not all at once. */
  readonly retryAfterSeconds: () => number;
  /** Whether all are taken. */
  readonly isFull: () => boolean;
};

/** The least wait, and how many whole seconds may come on top, a power of two. */
const RETRY_SECONDS_MIN = 5;
const RETRY_SECONDS_SPREAD = 8;

/** At most `streamsMax` places, of all kinds together. Spec: LIVE-13. */
export const createStreamSlots = (deps: {
  readonly limits: Pick<Limits, "streamsMax">;
  readonly metrics: Pick<Metrics, "openStream">;
  readonly runtime: Pick<Runtime, "randomBytes">;
}): StreamSlots => {
  let taken = 0;
  const isFull = (): boolean => taken >= deps.limits.streamsMax;
  return {
    take: (kind) => {
      if (isFull()) return null;
      taken += 1;
      const close = deps.metrics.openStream(kind);
      let isTaken = true;
      return () => {
        if (isTaken) taken -= 1;
        isTaken = false;
        close();
      };
    },
    retryAfterSeconds: () =>
      RETRY_SECONDS_MIN + ((deps.runtime.randomBytes(1)[0] ?? 0) % RETRY_SECONDS_SPREAD),
    isFull,
  };
};
