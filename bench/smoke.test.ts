import { describe, expect, test } from "vitest";
import { baselineOf } from "./report/baseline.ts";
import { compare, interleave, median } from "./report/interleave.ts";
import { machineFacts } from "./report/machine-facts.ts";
import { printReport } from "./report/print-report.ts";
import type { Row, RowOptions } from "./report/row-report.ts";
import { clientFirstSync } from "./rows/client-first-sync.ts";
import { firstSync } from "./rows/first-sync.ts";
import { liveQuery } from "./rows/live-query.ts";
import { oneChange } from "./rows/one-change.ts";
import { poll } from "./rows/poll.ts";
import { pushBatches } from "./rows/push-batches.ts";
import { pushSingles } from "./rows/push-singles.ts";

// That the runs run and count right. How fast they are is no matter here: the machine is anybody's.
const tiny: RowOptions = { rounds: 1, scale: 0.002, hasPeers: false, hasShim: false };
const floorRows: readonly (readonly [string, Row])[] = [
  ["push-batches", pushBatches],
  ["push-singles", pushSingles],
  ["first-sync", firstSync],
  ["poll", poll],
  ["one-change", oneChange],
  ["client-first-sync", clientFirstSync],
  ["live-query", liveQuery],
];

describe("a tiny run, beside the floor alone", () => {
  test.each(floorRows)(
    "%s",
    async (_, row) => {
      const report = await row(tiny);
      const figures = [
        ...report.series.flatMap(({ rounds }) => rounds),
        ...report.comparisons.map(({ ratio }) => ratio),
      ];
      expect(report.series.length).toBeGreaterThanOrEqual(2);
      expect(report.series.map(({ rounds }) => rounds.length)).toEqual(report.series.map(() => 1));
      expect(figures.filter((figure) => !(Number.isFinite(figure) && figure > 0))).toEqual([]);
      expect(report.counted.length).toBeGreaterThan(0);
      for (const { what, sent, found } of report.counted)
        expect([what, found]).toEqual([what, sent]);
      expect(printReport(report)).toMatch(/\| (?:pass|\*\*miss\*\*) \|/);
      expect(baselineOf(report, tiny, machineFacts()).ratios).toHaveLength(
        report.comparisons.length,
      );
    },
    60_000,
  );
});

describe("rounds", () => {
  test("are interleaved, each begun by another, and the first is thrown away", async () => {
    const turns: string[] = [];
    const contestant = (name: string) => ({
      name,
      unit: "turns",
      turn: () => Promise.resolve({ figure: turns.push(name) }),
    });
    const series = await interleave([contestant("a"), contestant("b")], 2);
    expect(turns.join("")).toBe("abbaab");
    expect(series.map(({ rounds }) => rounds)).toEqual([
      [4, 5],
      [3, 6],
    ]);
  });

  test("a ratio is the median of the rounds' own, so one bad round moves nothing", () => {
    const series = [
      { name: "us", unit: "", rounds: [10, 20, 1], cpuMicros: [4, 4, 4] },
      { name: "floor", unit: "", rounds: [20, 40, 100], cpuMicros: [1, 2, 3] },
    ];
    const aim = { is: "at least", value: 0.5 } as const;
    expect(compare(series, "us", "floor", aim)).toEqual({
      what: "us : floor",
      ratio: 0.5,
      cpuRatio: 0.5,
      aim,
    });
    expect(() => compare(series, "us", "nobody", aim)).toThrow("nobody");
    expect(median([3, 1, 2, 4])).toBe(2.5);
  });
});
