import { hash } from "node:crypto";
import { type Runtime, type Stamp, stampFromMillis } from "@synchro/core";
import type { Random } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";

/** Virtual time 0 as the true time of the simulated world. */
const WORLD_BEGAN_AT_MS = 1_795_514_400_000; // 2026-11-24T10:00:00Z

/** A machine's wall clock: wrong by any amount, and it may jump. Outlives the machine's processes. */
export type MachineClock = { offsetMs: number };

/** One life of a program. What it set in motion ends with it: that is what a kill is. */
export type Process = {
  readonly runtime: Runtime;
  readonly isAlive: () => boolean;
  readonly kill: () => void;
};

const trueStamp = (scheduler: Scheduler, offsetMs = 0): Stamp =>
  stampFromMillis(WORLD_BEGAN_AT_MS + scheduler.nowMs() + offsetMs);

const sha256 = (text: string): Uint8Array => Buffer.from(hash("sha256", text, "hex"), "hex");

/** Starts a process with a runtime of its own: the only clock, timers and randomness that it knows. */
export const startProcess = (
  name: string,
  world: { readonly scheduler: Scheduler; readonly random: Random; readonly clock: MachineClock },
): Process => {
  const { scheduler, random, clock } = world;
  const startedAtMs = scheduler.nowMs();
  let isAlive = true;
  const whileAlive = (task: () => void) => () => {
    if (isAlive) task();
  };
  return {
    isAlive: () => isAlive,
    kill: () => {
      isAlive = false;
    },
    runtime: {
      now: () => trueStamp(scheduler, clock.offsetMs),
      monotonicMs: () => scheduler.nowMs() - startedAtMs,
      after: (delayMs, task) => scheduler.after(delayMs, `${name} timer`, whileAlive(task)),
      soon: (task) => {
        scheduler.after(0, `${name} soon`, whileAlive(task));
      },
      randomBytes: random.bytes,
      sha256,
    },
  };
};
