import type { DatabaseSync } from "node:sqlite";
import type { CollectionName, Evidence, Rejection, SpaceId, Stamp } from "@synchro/core";
import type {
  DataDump,
  DumpedEvidence,
  DumpedRecord,
  DumpedRejection,
  DumpedVersion,
} from "../data-dump.ts";
import { readDeclared } from "./examine-data.ts";
import { authorFromRow, recordFromRow, RECORD_COLUMNS, type RecordRow } from "./record-row.ts";
import { prepareRows } from "./row-statement.ts";
import { createSpaceLister, createSpaceLoader } from "./space-table.ts";

/** What an erasure has not removed yet belongs to no space, and is left out. */
const OF_SPACE = `JOIN collections ON collections.id = kept.collection
  JOIN spaces ON spaces.id = collections.space`;

const VERSION_COLUMNS = RECORD_COLUMNS.split(", ")
  .map((column) => `kept.${column}`)
  .join(", ");

type OwnedRow = [space: SpaceId, collection: CollectionName];

type EvidenceRow = [
  ...OwnedRow,
  n: number,
  key: string,
  stamp: Stamp,
  hash: string,
  reason: Evidence["reason"],
  keptAt: Stamp,
  clientId: string | null,
  authorVerified: number | null,
  author: string | null,
  value: string | null,
];

type RejectionRow = [
  space: SpaceId,
  n: number,
  fingerprint: string,
  keptAt: Stamp,
  clientId: string | null,
  rejection: string,
  body: string | null,
];

function* readRecords(database: DatabaseSync): Generator<DumpedRecord> {
  const rows = prepareRows<[...OwnedRow, buriedAt: Stamp | null, ...RecordRow]>(
    database,
    `SELECT spaces.name, collections.name, kept.buried_at, ${VERSION_COLUMNS}
     FROM records AS kept ${OF_SPACE} ORDER BY kept.collection, kept.key`,
  );
  for (const [space, collection, buriedAt, ...row] of rows.iterate()) {
    yield { space, record: recordFromRow(collection, row), buriedAt };
  }
}

function* readHistory(database: DatabaseSync): Generator<DumpedVersion> {
  const rows = prepareRows<[...OwnedRow, ...RecordRow]>(
    database,
    `SELECT spaces.name, collections.name, ${VERSION_COLUMNS}
     FROM history AS kept ${OF_SPACE} ORDER BY kept.collection, kept.key, kept.seq`,
  );
  for (const [space, collection, ...row] of rows.iterate()) {
    yield { space, record: recordFromRow(collection, row) };
  }
}

function* readEvidence(database: DatabaseSync): Generator<DumpedEvidence> {
  const rows = prepareRows<EvidenceRow>(
    database,
    `SELECT spaces.name, collections.name, kept.id, kept.key, kept.stamp, lower(hex(kept.value_hash)),
       kept.reason, kept.kept_at, kept.client_id, kept.author_verified, kept.author, kept.value
     FROM evidence AS kept ${OF_SPACE} ORDER BY kept.id`,
  );
  for (const row of rows.iterate()) {
    const [space, collection, n, key, stamp, valueHash, reason, keptAt, clientId] = row;
    const author = authorFromRow(row[10], row[9]);
    const version = { reason, collection, key, stamp, value: row[11], author };
    yield { space, n, valueHash, ...version, clientId, keptAt };
  }
}

function* readRejections(database: DatabaseSync): Generator<DumpedRejection> {
  const rows = prepareRows<RejectionRow>(
    database,
    `SELECT spaces.name, kept.id, lower(hex(kept.fingerprint)), kept.kept_at, kept.client_id,
       kept.rejection, kept.body
     FROM rejections AS kept JOIN spaces ON spaces.id = kept.space ORDER BY kept.id`,
  );
  for (const [space, n, fingerprint, keptAt, clientId, rejection, body] of rows.iterate()) {
    const parsed = JSON.parse(rejection) as Rejection;
    yield { space, n, fingerprint, rejection: parsed, body, clientId, keptAt };
  }
}

/** All that a database holds, as of the transaction that its connection is in. */
export const dumpData = (database: DatabaseSync): DataDump => {
  const load = createSpaceLoader(database);
  return {
    declared: readDeclared(database),
    spaces: createSpaceLister(database)().flatMap((space) => {
      const found = load(space);
      return found === null ? [] : [{ space, state: found.state }];
    }),
    records: () => readRecords(database),
    history: () => readHistory(database),
    evidence: () => readEvidence(database),
    rejections: () => readRejections(database),
  };
};
