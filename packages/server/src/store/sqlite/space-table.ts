import type { DatabaseSync } from "node:sqlite";
import {
  type CollectionName,
  type Digest,
  type Epoch,
  EPOCHS_MAX,
  formatSum,
  parseSum,
  type Seq,
  type SpaceId,
  type SpaceState,
  type Stamp,
} from "@synchro/core";
import { prepareRows } from "./row-statement.ts";

/** A space as it is loaded: its state, and by which integers the tables know it. */
export type LoadedSpace = {
  readonly id: number;
  readonly state: SpaceState;
  readonly collectionIds: ReadonlyMap<CollectionName, number>;
};

type SpaceRow = [id: number, head: Seq, floor: Seq, cutoff: Stamp | null];
type CollectionRow = [id: number, name: CollectionName, count: number, sum: string];

/** Reads spaces. Each `load` is of one moment only inside a transaction. */
export const createSpaceLoader = (
  database: DatabaseSync,
): ((space: SpaceId) => LoadedSpace | null) => {
  const spaces = prepareRows<SpaceRow>(
    database,
    "SELECT id, head, floor, cutoff FROM spaces WHERE name = ?",
  );
  const epochs = prepareRows<[Epoch, Seq]>(
    database,
    "SELECT epoch, from_seq FROM epochs WHERE space = ? ORDER BY n",
  );
  const collections = prepareRows<CollectionRow>(
    database,
    "SELECT id, name, count, sum FROM collections WHERE space = ?",
  );
  return (space) => {
    const row = spaces.get(space);
    if (row === undefined) return null;
    const [id, head, floor, cutoff] = row;
    const digests = new Map<CollectionName, Digest>();
    const collectionIds = new Map<CollectionName, number>();
    for (const [collectionId, name, count, sum] of collections.all(id)) {
      collectionIds.set(name, collectionId);
      digests.set(name, { count, sum: parseSum(sum) });
    }
    const listed = epochs.all(id).map(([epoch, fromSeq]) => ({ epoch, fromSeq }));
    return { id, state: { head, epochs: listed, floor, cutoff, digests }, collectionIds };
  };
};

/** Reads the ids of all spaces, in order. */
export const createSpaceLister = (database: DatabaseSync): (() => readonly SpaceId[]) => {
  const names = prepareRows<[SpaceId]>(database, "SELECT name FROM spaces ORDER BY name");
  return () => names.all().map(([name]) => name);
};

/** Writes spaces, within a transaction that the caller holds. */
export type SpaceSaver = {
  /** A new space without epochs and collections; `save` adds them. Returns its integer. */
  readonly insert: (space: SpaceId) => number;
  /** A collection of a space that holds nothing yet. Returns its integer. */
  readonly insertCollection: (id: number, name: CollectionName) => number;
  /** Writes what differs between two states; `before` is what the tables hold. */
  readonly save: (before: LoadedSpace, after: LoadedSpace) => void;
};

/** What the tables hold of a space that was just inserted. */
export const bareSpace = (id: number): LoadedSpace => ({
  id,
  state: { head: 0, epochs: [], floor: 0, cutoff: null, digests: new Map() },
  collectionIds: new Map(),
});

export const createSpaceSaver = (database: DatabaseSync): SpaceSaver => {
  const insert = database.prepare("INSERT INTO spaces (name, head, floor) VALUES (?, 0, 0)");
  const insertCollection = database.prepare(
    "INSERT INTO collections (space, name, count, sum) VALUES (?, ?, 0, '0000000000000000')",
  );
  const update = database.prepare("UPDATE spaces SET head = ?, floor = ?, cutoff = ? WHERE id = ?");
  const updateCollection = database.prepare(
    "UPDATE collections SET count = ?, sum = ? WHERE id = ?",
  );
  const insertEpoch = database.prepare(
    "INSERT INTO epochs (space, n, epoch, from_seq) SELECT ?1, coalesce(max(n), 0) + 1, ?2, ?3 FROM epochs WHERE space = ?1",
  );
  const trimEpochs = database.prepare(
    "DELETE FROM epochs WHERE space = ?1 AND n <= (SELECT max(n) FROM epochs WHERE space = ?1) - ?2",
  );
  return {
    insert: (space) => Number(insert.run(space).lastInsertRowid),
    insertCollection: (id, name) => Number(insertCollection.run(id, name).lastInsertRowid),
    save: ({ id, state: before }, { state, collectionIds }) => {
      const { head, floor, cutoff } = state;
      if (head !== before.head || floor !== before.floor || cutoff !== before.cutoff) {
        update.run(head, floor, cutoff, id);
      }
      // A list only ever gains its last entry: an opening draws one epoch.
      const last = state.epochs.at(-1);
      if (last !== undefined && last.epoch !== before.epochs.at(-1)?.epoch) {
        insertEpoch.run(id, last.epoch, last.fromSeq);
        trimEpochs.run(id, EPOCHS_MAX);
      }
      for (const [name, digest] of state.digests) {
        const known = before.digests.get(name);
        if (known?.count === digest.count && known.sum === digest.sum) continue;
        updateCollection.run(digest.count, formatSum(digest.sum), collectionIds.get(name) ?? null);
      }
    },
  };
};
