import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { EngineName } from "../server/engine.ts";
import type { Trim } from "../trim.ts";

/** A seed that once failed, and what it found. It is run for ever. */
export type Regression = {
  readonly file: string;
  readonly seed: number;
  readonly engine: EngineName;
  /** What it takes to fail; absent: the whole run. */
  readonly trim?: Trim;
  readonly found: string;
};

export const readRegressions = (): readonly Regression[] =>
  readdirSync(import.meta.dirname)
    .filter((name) => name.endsWith(".json"))
    .toSorted()
    .map((file) => {
      const text = readFileSync(join(import.meta.dirname, file), "utf8");
      return { file, ...(JSON.parse(text) as Omit<Regression, "file">) };
    });
