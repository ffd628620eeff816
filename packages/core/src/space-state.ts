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
  /** The greatest cutoff of a purge that removed something; null if none did. */
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

export const digestOf = (state: SpaceState, collection: CollectionName): Digest =>
  state.digests.get(collection) ?? EMPTY_DIGEST;
