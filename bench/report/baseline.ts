import { median } from "./interleave.ts";
import type { MachineFacts } from "./machine-facts.ts";
import { type Comparison, isMet, type RowOptions, type RowReport } from "./row-report.ts";

/** A run worth keeping: the ratios first, and what they were measured with. It never gates. */
export type Baseline = {
  readonly row: string;
  readonly machine: MachineFacts;
  readonly rounds: number;
  readonly ratios: readonly (Comparison & { readonly isMet: boolean })[];
  readonly medians: readonly {
    readonly name: string;
    readonly median: number;
    readonly unit: string;
    /** Null: not looked at. */
    readonly cpuMicros: number | null;
  }[];
};

const rounded = (figure: number): number => Number(figure.toPrecision(4));

export const baselineOf = (
  report: RowReport,
  options: RowOptions,
  machine: MachineFacts,
): Baseline => ({
  row: report.row,
  machine,
  rounds: options.rounds,
  ratios: report.comparisons.map((comparison) => ({
    ...comparison,
    ratio: rounded(comparison.ratio),
    isMet: isMet(comparison),
    ...(comparison.cpuRatio === undefined ? {} : { cpuRatio: rounded(comparison.cpuRatio) }),
  })),
  medians: report.series.map(({ name, unit, rounds, cpuMicros }) => ({
    name,
    median: rounded(median(rounds)),
    unit,
    cpuMicros: cpuMicros.length === 0 ? null : rounded(median(cpuMicros)),
  })),
});
