import type { DatabaseSync } from "node:sqlite";
import {
  type CollectionName,
  type Digest,
  EMPTY_DIGEST,
  type Epoch,
  listEpoch,
  replaceInDigest,
  type Runtime,
  type SpaceId,
  type Stamp,
} from "@synchro/core";
import { recordFromRow, RECORD_COLUMNS, type RecordRow } from "./record-row.ts";
import { prepareRows } from "./row-statement.ts";
import { createSpaceLoader, createSpaceSaver } from "./space-table.ts";
import { inTransaction } from "./transaction.ts";

type Opening = {
  readonly declared: Iterable<CollectionName>;
  readonly epoch: Epoch;
  readonly now: Stamp;
  readonly sha256: Runtime["sha256"];
};

/** Gives the records of `added` in a space new seqs, in the order of the old ones. */
const reissueSeqs = (
  database: DatabaseSync,
  name: SpaceId,
  added: readonly CollectionName[],
  { epoch, now, sha256 }: Opening,
): void => {
  const space = createSpaceLoader(database)(name);
  if (space === null) return;
  const { id, state, collectionIds } = space;
  const ids = added.flatMap((each) => collectionIds.get(each) ?? []);
  const moved = database
    .prepare(
      `UPDATE records SET seq = ? + moved.n, buried_at = iif(value IS NULL, ?, NULL)
       FROM (SELECT id AS moved_id, row_number() OVER (ORDER BY seq) AS n
             FROM records WHERE collection IN (SELECT value FROM json_each(?))) AS moved
       WHERE id = moved.moved_id`,
    )
    .run(state.head, now, JSON.stringify(ids)).changes;
  if (moved === 0) return;
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
  const head = state.head + Number(moved);
  const epochs = listEpoch(state.epochs, epoch, state.head);
  createSpaceSaver(database).save(space, {
    id,
    collectionIds,
    state: { ...state, head, epochs, digests },
  });
};

/**
 * Notes what is declared now. A collection that was not at the last opening, and holds records, was
 * left out of every answer meanwhile: its records get new seqs, so that they come as news to
 * cursors that have passed them. In one transaction; with nothing to note it writes nothing.
 */
export const declareCollections = (database: DatabaseSync, opening: Opening): void => {
  const names = prepareRows<[CollectionName]>(database, "SELECT name FROM declared");
  const before = new Set(names.all().map(([name]) => name));
  const declared = new Set(opening.declared);
  if (declared.symmetricDifference(before).size === 0) return;
  inTransaction(database, () => {
    const added = [...declared.difference(before)];
    const holders = prepareRows<[SpaceId]>(
      database,
      `SELECT DISTINCT spaces.name FROM spaces JOIN collections ON collections.space = spaces.id
       WHERE collections.name IN (SELECT value FROM json_each(?))`,
    );
    for (const [space] of holders.all(JSON.stringify(added))) {
      reissueSeqs(database, space, added, opening);
    }
    database.exec("DELETE FROM declared");
    const insert = database.prepare("INSERT INTO declared (name) VALUES (?)");
    for (const name of declared) insert.run(name);
  });
};
