import type { Runtime } from "@synchro/core";

/** Wakes whoever waits. A ring that nobody waited for is kept for the next one. */
export type Bell = {
  readonly ring: () => void;
  readonly wait: (longestMs: number) => Promise<void>;
};

export const createBell = (runtime: Runtime): Bell => {
  let hasRung = false;
  let wake: (() => void) | null = null;
  return {
    ring: () => {
      if (wake === null) hasRung = true;
      else wake();
    },
    wait: (longestMs) => {
      if (hasRung) {
        hasRung = false;
        return Promise.resolve();
      }
      return new Promise((resolve) => {
        const cancel = runtime.after(longestMs, () => wake?.());
        wake = () => {
          wake = null;
          cancel();
          resolve();
        };
      });
    },
  };
};
