import type { SyncAnswer } from "../../packages/server/src/service/sync.ts";
import type { PlantedBug } from "./planted-bug.ts";
import { storeWith } from "./store-with.ts";

const withoutMerged = (answer: SyncAnswer): SyncAnswer => {
  if (answer.kind !== "answered" || answer.push === null) return answer;
  const merged = new Set(
    answer.push.results.flatMap((one) => (one.kind === "merged" ? [one.seq] : [])),
  );
  return { ...answer, records: answer.records.filter(({ seq }) => !merged.has(seq)) };
};

const echoLeftOut: PlantedBug = {
  name: "echo-left-out-after-a-merge",
  rule: "FIELDS-21",
  does: "does not send the record that a patch became part of, as if its sender had it",
  plant: () => ({
    server: {
      services: (real) => ({
        ...real,
        sync: async (input) => withoutMerged(await real.sync(input)),
      }),
    },
  }),
};

const toldAsWhole: PlantedBug = {
  name: "merge-told-as-whole",
  rule: "FIELDS-20",
  does: "says of every merge that the patch was taken whole",
  plant: () => ({
    server: {
      store: (real) =>
        storeWith(real, {
          push: async (request) => {
            const outcome = await real.push(request);
            if (outcome.kind !== "committed") return outcome;
            const results = outcome.results.map((one) =>
              one.kind === "merged" ? ({ ...one, kind: "applied" } as const) : one,
            );
            return { ...outcome, results };
          },
        }),
    },
  }),
};

/** Of the policy `fields`. */
export const mergingBugs: readonly PlantedBug[] = [echoLeftOut, toldAsWhole];
