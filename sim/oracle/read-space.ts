import {
  type CollectionName,
  type Digest,
  EMPTY_DIGEST,
  type Runtime,
  recordSum,
  type SpaceId,
  type SpaceState,
  type StoredRecord,
} from "@synchro/core";
import type { Store } from "../../packages/server/src/store/store.ts";

/** All that a store shows of a space: declared collections only. */
export type SpaceContent = {
  readonly records: readonly StoredRecord[];
  readonly head: number;
  readonly digests: ReadonlyMap<CollectionName, Digest>;
};

export const readSpace = async (store: Store, space: SpaceId): Promise<SpaceContent> => {
  const { records, head, digests } = await store.pull({
    space,
    cursor: null,
    ack: null,
    collections: null,
    tombstones: true,
    recordsMax: 1_000_000,
    bytesMax: 1_000_000_000,
    told: new Set(),
  });
  return { records, head, digests };
};

/** What a space is besides its records. Dear where an engine copies all for it. */
export const readState = async (store: Store, space: SpaceId): Promise<SpaceState | null> => {
  const snapshot = await store.openSnapshot(space);
  const { state } = snapshot;
  await snapshot.close();
  return state;
};

/** Sums by record: each is asked for at every step that writes. */
export const createDigester = (sha256: Runtime["sha256"]) => {
  const sums = new Map<string, bigint>();
  const sumOf = (record: StoredRecord): bigint => {
    const id = `${record.collection}\u0000${record.key}\u0000${record.seq}`;
    const known = sums.get(id);
    if (known !== undefined) return known;
    const sum = recordSum(sha256, record);
    sums.set(id, sum);
    return sum;
  };
  /** DIGEST-1: over the live records of a collection. */
  return (records: readonly StoredRecord[], collection: CollectionName): Digest => {
    let { count, sum } = EMPTY_DIGEST;
    for (const record of records) {
      if (record.collection !== collection || record.value === null) continue;
      count += 1;
      sum = BigInt.asUintN(64, sum + sumOf(record));
    }
    return { count, sum };
  };
};
