import { stampFromMillis } from "@synchro/core";
import type { ClientRuntime } from "./client-runtime.ts";
import { sha256 } from "./sha256.ts";

/** What timers of browsers and of Node hold: a longer delay would fire at once. */
const DELAY_MS_MAX = 2 ** 31 - 1;

/**
 * The clock, timers and randomness that browsers and Node have alike: the client's only file that
 * may name them. A timer keeps a Node process alive, as an open connection does: work that waits for
 * one would else end unfinished.
 */
export const webRuntime: ClientRuntime = {
  now: () => stampFromMillis(Date.now()),
  monotonicMs: () => performance.now(),
  after: (delayMs, task) => {
    const timer = setTimeout(task, Math.min(delayMs, DELAY_MS_MAX));
    return () => clearTimeout(timer);
  },
  randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
  sha256,
};
