import { type RunOptions, type RunOutcome, simulate } from "./simulate.ts";
import { noTrim, type PlanPart, planParts, type Trim } from "./trim.ts";

/** Runs that a search may take. */
const RUNS_MAX = 150;

/** What a failure is called, whatever the names and numbers in it. */
const kindOf = (failure: string): string =>
  /^[^[]{0,20}\[[A-Z0-9, -]+\]/.exec(failure)?.[0].replace(/^[^[]*/, "") ??
  failure.slice(0, 40).replaceAll(/\d+/g, "#");

export type Shrunk = { readonly trim: Trim; readonly outcome: RunOutcome; readonly runs: number };

/**
 * Looks for less of a run that fails in the same way: parts of its plan are switched off one by one,
 * then its strikes are left out by halves, quarters, and so on (Zeller's delta debugging).
 */
export const shrink = async (options: RunOptions, first: RunOutcome): Promise<Shrunk> => {
  const kind = kindOf(first.failure ?? "");
  let best: Shrunk = { trim: options.trim ?? noTrim, outcome: first, runs: 0 };
  const isBetter = async (trim: Trim): Promise<boolean> => {
    if (best.runs >= RUNS_MAX) return false;
    const outcome = await simulate({ ...options, trim });
    const fails = outcome.failure !== null && kindOf(outcome.failure) === kind;
    best = fails ? { trim, outcome, runs: best.runs + 1 } : { ...best, runs: best.runs + 1 };
    return fails;
  };
  for (const part of Object.keys(planParts) as readonly PlanPart[]) {
    const { trim } = best;
    if (!trim.off.includes(part)) await isBetter({ ...trim, off: [...trim.off, part] });
  }
  for (let size = Math.ceil(best.outcome.strikes / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let from = 1; from <= best.outcome.strikes; from += size) {
      const { trim } = best;
      const chunk = Array.from({ length: size }, (_, index) => from + index).filter(
        (strike) => strike <= best.outcome.strikes && !trim.without.includes(strike),
      );
      if (chunk.length > 0) await isBetter({ ...trim, without: [...trim.without, ...chunk] });
    }
  }
  return best;
};

/** How to see a run again. */
export const commandOf = (engine: string, seed: number, { off, without }: Trim): string =>
  [
    `npm run sim -- --engine ${engine} --from ${seed} --seeds 1 --trace`,
    ...(off.length === 0 ? [] : [`--off ${off.join()}`]),
    ...(without.length === 0 ? [] : [`--without ${without.join()}`]),
  ].join(" ");
