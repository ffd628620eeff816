import { Buffer } from "node:buffer";
import { hash, randomBytes } from "node:crypto";
import { type Runtime, stampFromMillis } from "@synchro/core";

/** What Node's timers hold: a longer delay would fire at once. */
const DELAY_MS_MAX = 2 ** 31 - 1;

/**
 * The machine's own clock, timers and randomness: the only file that may name them. A timer does
 * not keep the process alive: what has to finish before it ends is awaited, never timed.
 */
export const systemRuntime: Runtime = {
  now: () => stampFromMillis(Date.now()),
  monotonicMs: () => performance.now(),
  after: (delayMs, task) => {
    const timer = setTimeout(task, Math.min(delayMs, DELAY_MS_MAX));
    timer.unref();
    return () => clearTimeout(timer);
  },
  // After the I/O that is ready: requests that have arrived are then all in the queue.
  soon: (task) => {
    setImmediate(task);
  },
  randomBytes: (count) => randomBytes(count),
  // By way of a string: half the time of a buffer that is allocated for 32 bytes.
  sha256: (text) => Buffer.from(hash("sha256", text, "latin1"), "latin1"),
};
