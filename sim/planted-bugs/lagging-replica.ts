import type { SpaceId, SpaceState, StoredRecord } from "@synchro/core";
import { answerPull } from "../../packages/server/src/store/answer-pull.ts";
import type { Store, StorePull } from "../../packages/server/src/store/store.ts";
import type { PlantedBug } from "./planted-bug.ts";
import { readAll, storeWith } from "./store-with.ts";

/** A space as it was before its last push. */
type Snapshot = { readonly state: SpaceState | null; readonly records: readonly StoredRecord[] };

/** One pull in so many is read from the replica. */
const REPLICA_EVERY = 3;

const takeSnapshot = async (real: Store, space: SpaceId): Promise<Snapshot> => ({
  state: await real.describeSpace(space),
  records: await readAll(real, space),
});

const read = ({ state, records }: Snapshot, request: StorePull) => {
  const declared = [...(state?.digests.keys() ?? [])].toSorted();
  return answerPull(state, { ...request, ack: null }, declared, (plan, collections) =>
    records
      .filter(
        ({ collection, seq, value }) =>
          collections.includes(collection) &&
          seq > plan.after &&
          (value !== null || seq > plan.tombstonesAfter),
      )
      .toSorted((a, b) => a.seq - b.seq),
  );
};

/** Reads from a copy that is one push behind, whatever the caller has been promised; like any replica it leaves resets to the primary. */
export const laggingReplica: PlantedBug = {
  name: "replica-behind-the-push",
  rule: "PULL-8",
  does: "answers from an older snapshot than the ack names",
  plant: () => {
    const snapshots = new Map<SpaceId, Snapshot>();
    let pulls = 0;
    return {
      server: {
        store: (real) => {
          snapshots.clear();
          return storeWith(real, {
            push: async (request) => {
              snapshots.set(request.space, await takeSnapshot(real, request.space));
              return real.push(request);
            },
            pull: async (request) => {
              const snapshot = snapshots.get(request.space);
              pulls += 1;
              if (snapshot === undefined || pulls % REPLICA_EVERY !== 0) return real.pull(request);
              const outcome = read(snapshot, request);
              return outcome.reset === null ? outcome : real.pull(request);
            },
          });
        },
      },
    };
  },
};
