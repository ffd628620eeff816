import { describe, expect, test } from "vitest";
import { reportOf, runSeed } from "../run-seed.ts";
import { huntBug } from "./hunt-bug.ts";
import type { PlantedBug } from "./planted-bug.ts";
import { freshSeeds, readCatches } from "./read-catches.ts";

const engine = "memory";
const runMs = 300_000;

/** Every bug is found by its recorded seed, which finds nothing without it, and by one of the fresh seeds unless it is known to be rarer. */
export const describeBugs = (bugs: readonly PlantedBug[]): void => {
  const catches = readCatches();
  for (const bug of bugs) {
    describe(`[${bug.rule}] ${bug.name}: ${bug.does}`, () => {
      const known = catches[bug.name];

      test("the recorded seed finds it, and nothing else", async () => {
        expect(known, "npm run sim:bugs -- --record finds a seed").toBeDefined();
        const seed = known?.seed ?? 0;
        const caught = await huntBug(bug, { from: seed, most: 1, engine });
        expect(caught.failure, `seed ${seed} does not find it any more`).not.toBeNull();
        const clean = await runSeed({ seed, engine });
        if (clean.failure !== null) expect.fail(reportOf(clean));
      });

      test.skipIf(known?.fresh == null)(
        `one of ${freshSeeds.most} fresh seeds finds it`,
        async () => {
          const { seed } = await huntBug(bug, freshSeeds);
          expect(seed).not.toBeNull();
        },
        runMs,
      );
    });
  }
};
