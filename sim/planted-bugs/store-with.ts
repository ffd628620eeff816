import type { SpaceId, StoredRecord } from "@synchro/core";
import type { Store } from "../../packages/server/src/store/store.ts";

/** A bug's store: what is real but for some calls. Stores of classes lose their methods when they are spread. */
export const storeWith = (real: Store, calls: Partial<Store>): Store => ({
  capabilities: real.capabilities,
  epoch: real.epoch,
  push: (request) => real.push(request),
  pull: (request) => real.pull(request),
  openSnapshot: (space) => real.openSnapshot(space),
  listSpaces: () => real.listSpaces(),
  describeSpace: (space) => real.describeSpace(space),
  listEvidence: (space, of) => real.listEvidence(space, of),
  listRejections: (space, of) => real.listRejections(space, of),
  listHistory: (space, of) => real.listHistory(space, of),
  purge: (space, cutoff) => real.purge(space, cutoff),
  beginEpoch: (space) => real.beginEpoch(space),
  eraseSpace: (space) => real.eraseSpace(space),
  close: () => real.close(),
  ...calls,
});

/** All that a store shows of a space. */
export const readAll = async (real: Store, space: SpaceId): Promise<readonly StoredRecord[]> => {
  const { records } = await real.pull({
    space,
    cursor: null,
    ack: null,
    collections: null,
    tombstones: true,
    recordsMax: 1_000_000,
    bytesMax: 1_000_000_000,
    told: new Set(),
  });
  return records;
};
