import type { DatabaseSync } from "node:sqlite";
import {
  type CollectionName,
  type Digest,
  EMPTY_DIGEST,
  type Epoch,
  listEpoch,
  replaceInDigest,
  type Runtime,
  type SpaceState,
  type Stamp,
} from "@synchro/core";
import { recordFromRow, RECORD_COLUMNS, type RecordRow } from "./record-row.ts";
import { prepareRows } from "./row-statement.ts";
import {
  createSpaceLister,
  createSpaceLoader,
  createSpaceSaver,
  type LoadedSpace,
} from "./space-table.ts";
import { inTransaction } from "./transaction.ts";

type Opening = {
  readonly declared: Iterable<CollectionName>;
  readonly epoch: Epoch;
  readonly now: Stamp;
  readonly sha256: Runtime["sha256"];
};

/** Gives the records of `added` in a space new seqs, in the order of the old ones. Returns what of its state is new. */
const reissueSeqs = (
  database: DatabaseSync,
  { state, collectionIds }: LoadedSpace,
  added: readonly CollectionName[],
  { now, sha256 }: Opening,
): Pick<SpaceState, "head" | "digests"> => {
  const ids = added.flatMap((each) => collectionIds.get(each) ?? []);
  const moved = database
    .prepare(
      `UPDATE records SET seq = ? + moved.n, buried_at = iif(value IS NULL, ?, NULL)
       FROM (SELECT id AS moved_id, row_number() OVER (ORDER BY seq) AS n
             FROM records WHERE collection IN (SELECT value FROM json_each(?))) AS moved
       WHERE id = moved.moved_id`,
    )
    .run(state.head, now, JSON.stringify(ids)).changes;
  if (moved === 0) return state;
  const digests = new Map<CollectionName, Digest>(state.digests);
  const live = prepareRows<RecordRow>(
    database,
    `SELECT ${RECORD_COLUMNS} FROM records WHERE collection = ? AND value IS NOT NULL`,
  );
  for (const collection of added) {
    const collectionId = collectionIds.get(collection);
    if (collectionId === undefined) continue;
    let digest = EMPTY_DIGEST;
    for (const row of live.iterate(collectionId)) {
      digest = replaceInDigest(sha256, digest, null, recordFromRow(collection, row));
    }
    digests.set(collection, digest);
  }
  return { head: state.head + Number(moved), digests };
};

/**
 * Notes what is declared now. A collection that was not at the last opening, and holds records, was
 * left out of every answer meanwhile: its records get new seqs, so that they come as news to
 * cursors that have passed them. And every space lists the opening's epoch at once: while a
 * collection is not declared, cursors pass its records unseen, and only an epoch of their own tells
 * them from cursors that an older copy of the data would take as valid (EPOCH-8). In one
 * transaction; with nothing to note it writes nothing.
 */
export const declareCollections = (database: DatabaseSync, opening: Opening): void => {
  const names = prepareRows<[CollectionName]>(database, "SELECT name FROM declared");
  const before = new Set(names.all().map(([name]) => name));
  const declared = new Set(opening.declared);
  if (declared.symmetricDifference(before).size === 0) return;
  inTransaction(database, () => {
    const added = [...declared.difference(before)];
    const load = createSpaceLoader(database);
    const saver = createSpaceSaver(database);
    for (const name of createSpaceLister(database)()) {
      const space = load(name);
      if (space === null) continue;
      const { state } = space;
      const reissued = reissueSeqs(database, space, added, opening);
      const epochs = listEpoch(state.epochs, opening.epoch, state.head);
      saver.save(space, { ...space, state: { ...state, ...reissued, epochs } });
    }
    database.exec("DELETE FROM declared");
    const insert = database.prepare("INSERT INTO declared (name) VALUES (?)");
    for (const name of declared) insert.run(name);
  });
};
