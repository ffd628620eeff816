import type { RunOptions, RunOutcome } from "./simulate.ts";
import { simulate } from "./simulate.ts";

/** Runs one seed for a test. A run never gives way to the outside; before it the test's own timers get their turn. */
export const runSeed = async (options: RunOptions): Promise<RunOutcome> => {
  await new Promise((resolve) => {
    // oxlint-disable-next-line eslint/no-restricted-globals -- of the test's world, not of the run's
    setImmediate(resolve);
  });
  return simulate(options);
};

/** What a run that failed has to say, and how to see it again. */
export const reportOf = ({ seed, engine, failure, tail }: RunOutcome): string =>
  `seed ${seed} on ${engine}: ${failure}\n${tail.slice(-40).join("\n")}\nagain: npm run sim -- --engine ${engine} --from ${seed} --seeds 1 --trace`;
