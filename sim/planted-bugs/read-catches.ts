import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What `npm run sim:bugs -- --record` found out about a bug. */
export type KnownCatch = {
  /** A seed that finds it, on the memory engine, and fails at nothing without it. */
  readonly seed: number;
  /** How many seeds from the first fresh one on it took to find it; null: more than are tried in a test. */
  readonly fresh: number | null;
};

export const catchesFile = join(import.meta.dirname, "seeds.json");

/** By the bug's name. */
export const readCatches = (): Readonly<Record<string, KnownCatch>> =>
  JSON.parse(readFileSync(catchesFile, "utf8")) as Record<string, KnownCatch>;

/** Seeds that a test tries for each bug beside the recorded one, and the first of them. */
export const freshSeeds = { from: 1_000_001, most: 200, engine: "memory" } as const;
