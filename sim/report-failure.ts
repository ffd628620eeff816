import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { commandOf, shrink } from "./shrink.ts";
import type { RunOptions, RunOutcome } from "./simulate.ts";

/** Lines of a shrunk trace that are shown. */
const LINES_MAX = 250;
const FOUND_MAX = 300;

/** Steps in which only the world turned. */
const isNoise = (line: string): boolean => /^\d+ \S+ (?:timer|soon)$|^\d+ person at /.test(line);

/**
 * Shrinks a run that failed, keeps it among the regressions, and tells of it: the seed, the trace of
 * what is left, what broke, and how to see it again.
 */
export const reportFailure = async (options: RunOptions, outcome: RunOutcome): Promise<string> => {
  const { seed, engine } = options;
  const shrunk = await shrink({ ...options, tailLinesMax: 1e9 }, outcome);
  const lines = shrunk.outcome.tail.filter((line) => !isNoise(line)).slice(-LINES_MAX);
  const { off, without } = shrunk.trim;
  const found = (shrunk.outcome.failure ?? "").split("\n")[0]?.slice(0, FOUND_MAX) ?? "";
  const file = join(import.meta.dirname, "regressions", `${engine}-${seed}.json`);
  const regression = { seed, engine, trim: { off, without }, found };
  if (!existsSync(file)) writeFileSync(file, `${JSON.stringify(regression, null, 2)}\n`);
  return [
    `seed ${seed} on ${engine} failed: ${outcome.failure}`,
    `shrunk in ${shrunk.runs} runs from ${outcome.steps} steps to ${shrunk.outcome.steps}:`,
    ...lines,
    `the whole again: ${commandOf(engine, seed, { off: [], without: [] })}`,
    `the shrunk run again: ${commandOf(engine, seed, shrunk.trim)}`,
    `kept in ${file}`,
  ].join("\n");
};
