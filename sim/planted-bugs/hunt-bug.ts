import type { EngineName } from "../server/engine.ts";
import { runSeed } from "../run-seed.ts";
import type { PlantedBug } from "./planted-bug.ts";

export type Catch = {
  /** The first seed of those tried that failed; null: none did. */
  readonly seed: number | null;
  readonly tried: number;
  /** What it failed with. */
  readonly failure: string | null;
};

export type Hunt = { readonly from: number; readonly most: number; readonly engine: EngineName };

/** A program that broke down: then the bug was planted badly, and nothing has been found by looking. */
const isBreakdown = (failure: string): boolean =>
  /crashed|a transaction failed|a handler failed|a stream failed|did not start/.test(failure);

/**
 * Runs seed after seed with a bug until one fails.
 *
 * @throws Error if the bug breaks a program down instead of a promise.
 */
export const huntBug = async (bug: PlantedBug, { from, most, engine }: Hunt): Promise<Catch> => {
  for (let tried = 1; tried <= most; tried += 1) {
    const seed = from + tried - 1;
    const { failure } = await runSeed({ seed, engine, bug });
    if (failure === null) continue;
    if (isBreakdown(failure)) throw new Error(`${bug.name} at seed ${seed}: ${failure}`);
    return { seed, tried, failure };
  }
  return { seed: null, tried: most, failure: null };
};
