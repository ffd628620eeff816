import { describe, expect, test } from "vitest";
import { reportFailure } from "../report-failure.ts";
import { runSeed } from "../run-seed.ts";
import type { EngineName } from "../server/engine.ts";
import { createCounters } from "../world/counters.ts";
import { floorsByPhase, floorsPerThousand } from "./floors.ts";

/** Seeds that one test file runs: files run beside each other. */
export type Share = {
  readonly engine: EngineName;
  readonly from: number;
  readonly seeds: number;
};

/** One seed in so many is run twice. */
const TWICE_EVERY = 100;

/** Far more than it takes: the machine may have others to serve. */
const runMs = 900_000;

/** No seed of the share breaks a promise, a seed is the same run each time, and all that was to be met was met. */
export const describeShare = ({ engine, from, seeds }: Share): void => {
  const totals = createCounters();

  test(
    `[STORE-1, STORE-2, PULL-1, RESET-2, CLIENT-5] ${seeds} seeds from ${from} on ${engine} break no promise`,
    async () => {
      for (let seed = from; seed < from + seeds; seed += 1) {
        const outcome = await runSeed({ seed, engine });
        totals.addAll(outcome.counters);
        if (outcome.failure !== null) expect.fail(await reportFailure({ seed, engine }, outcome));
        if (seed % TWICE_EVERY !== 0) continue;
        const again = await runSeed({ seed, engine });
        expect(again.traceHash, `seed ${seed} ran differently`).toBe(outcome.traceHash);
      }
    },
    runMs,
  );

  describe("the seeds prove something", () => {
    const ofPhases = Object.entries(floorsByPhase).flatMap(([fault, byPhase]) =>
      Object.entries(byPhase).map(([phase, floor]) => [`${fault} while ${phase}`, floor] as const),
    );
    const floors = [...Object.entries(floorsPerThousand), ...ofPhases].map(
      ([name, floor]): [string, number] => [name, Math.floor((floor * seeds) / 1_000)],
    );
    test.each(floors)("%s: at least %i times", (name, floor) => {
      expect(totals.all().get(name) ?? 0).toBeGreaterThanOrEqual(floor);
    });

    test("every fault that was counted by phase has its floors", () => {
      const met = [...totals.all().keys()].filter((name) => name.includes(" while "));
      const faults = new Set(met.map((name) => name.replace(/ while .*/, "")));
      expect(faults.difference(new Set(Object.keys(floorsByPhase)))).toEqual(new Set());
    });
  });
};
