import type { CollectionName } from "./collection-name.ts";
import { type Digest, EMPTY_DIGEST } from "./digest.ts";
import type { Epoch, EpochEntry } from "./epoch.ts";
import type { Seq } from "./record.ts";
import type { Stamp } from "./stamp.ts";

/** What a space is besides its records. One snapshot of a store holds one of these. */
export type SpaceState = {
  /** The last seq handed out. */
  readonly head: Seq;
  readonly epochs: readonly EpochEntry[];
  /** The greatest seq of a purged tombstone; a cursor below it has missed a delete. */
  readonly floor: Seq;
  /** The latest time, of commit or of stamp, of a purged tombstone; null if none was. Spec: PURGE-4. */
  readonly cutoff: Stamp | null;
  /** By collection, undeclared ones included; absent means empty. */
  readonly digests: ReadonlyMap<CollectionName, Digest>;
};

/** A space at its creation, which begins an epoch. */
export const newSpaceState = (epoch: Epoch): SpaceState => ({
  head: 0,
  epochs: [{ epoch, fromSeq: 0 }],
  floor: 0,
  cutoff: null,
  digests: new Map(),
});

/** Live records of all collections, undeclared ones included. */
export const liveRecords = (state: SpaceState): number => {
  let count = 0;
  for (const digest of state.digests.values()) count += digest.count;
  return count;
};

export const digestOf = (state: SpaceState, collection: CollectionName): Digest =>
  state.digests.get(collection) ?? EMPTY_DIGEST;
