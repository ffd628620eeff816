import { type Counters, createCounters } from "./counters.ts";
import { createRandom, type Random } from "./random.ts";
import { createScheduler, type Scheduler } from "./scheduler.ts";
import { createTrace, type Trace } from "./trace.ts";

/** One run's own universe: nothing in it comes from anywhere else. */
export type World = {
  readonly seed: number;
  readonly random: Random;
  readonly scheduler: Scheduler;
  readonly trace: Trace;
  readonly counters: Counters;
  /** Notes the first failure; the run ends after the present step. */
  readonly fail: (message: string) => void;
  readonly failure: () => string | null;
};

export const createWorld = (seed: number, tailLinesMax: number): World => {
  const random = createRandom(seed);
  const scheduler: Scheduler = createScheduler(random.fork(), (label) => trace.add(label));
  const trace = createTrace(tailLinesMax, scheduler.nowMs);
  let failure: string | null = null;
  return {
    seed,
    random,
    scheduler,
    trace,
    counters: createCounters(),
    fail: (message) => {
      // Ids of records hold U+0000, which terminals and `grep` take amiss.
      const text = message.replaceAll("\u0000", "/");
      trace.add(`FAILURE ${text}`);
      failure ??= text;
    },
    failure: () => failure,
  };
};
