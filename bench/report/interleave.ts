import type { Comparison, Series } from "./row-report.ts";

/** What came of a turn. */
export type Turn = {
  readonly figure: number;
  /** Processor time that one operation took of the server's, in all its threads. */
  readonly cpuMicros?: number;
};

/** Somebody who does the same work as the others, a turn in each round. */
export type Contestant = {
  readonly name: string;
  readonly unit: string;
  readonly turn: () => Promise<Turn>;
};

export const median = (figures: readonly number[]): number => {
  const sorted = figures.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[half - 1] ?? Number.NaN)) / 2;
};

/**
 * Runs the contestants in turn, round by round, each round beginning with another of them: what
 * else the machine does falls upon all alike. A first round, to warm up, is thrown away.
 */
export const interleave = async (
  contestants: readonly Contestant[],
  rounds: number,
): Promise<readonly Series[]> => {
  const series = contestants.map(({ name, unit }) => ({
    name,
    unit,
    rounds: [] as number[],
    cpuMicros: [] as number[],
  }));
  for (let round = -1; round < rounds; round += 1) {
    for (const index of contestants.keys()) {
      const at = (index + round + 1) % contestants.length;
      const done = await contestants[at]?.turn();
      if (round < 0 || done === undefined) continue;
      series[at]?.rounds.push(done.figure);
      if (done.cpuMicros !== undefined) series[at]?.cpuMicros.push(done.cpuMicros);
    }
  }
  return series;
};

const medianRatio = (above: readonly number[], below: readonly number[]): number =>
  median(above.map((figure, round) => figure / (below[round] ?? Number.NaN)));

/** The median over the rounds of one contestant's figure divided by another's of the same round. */
export const compare = (
  series: readonly Series[],
  name: string,
  other: string,
  aim: Comparison["aim"],
): Comparison => {
  const above = series.find((each) => each.name === name);
  const below = series.find((each) => each.name === other);
  if (above === undefined || below === undefined) throw new Error(`nobody is ${name} or ${other}`);
  const ratio = medianRatio(above.rounds, below.rounds);
  const comparison = { what: `${name} : ${other}`, ratio, aim };
  if (above.cpuMicros.length === 0 || below.cpuMicros.length === 0) return comparison;
  // Less time is more speed.
  return { ...comparison, cpuRatio: medianRatio(below.cpuMicros, above.cpuMicros) };
};
