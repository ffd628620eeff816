import type { DatabaseSync } from "node:sqlite";
import type { Evidence, Rejection, Stamp, StoredRecord } from "@synchro/core";
import type { KeptEvidence, KeptRejection, Store } from "../store.ts";
import { authorFromRow, RECORD_COLUMNS, recordFromRow, type RecordRow } from "./record-row.ts";
import { prepareRows } from "./row-statement.ts";

type EvidenceRow = [
  reason: Evidence["reason"],
  key: string,
  stamp: Stamp,
  authorVerified: number | null,
  author: string | null,
  value: string | null,
  clientId: string | null,
  keptAt: Stamp,
];
type RejectionRow = [
  clientId: string | null,
  rejection: string,
  body: string | null,
  keptAt: Stamp,
];

const EVIDENCE_COLUMNS = "reason, key, stamp, author_verified, author, value, client_id, kept_at";

/** Reads what pushes leave behind besides records. `null` for an id: there is none, so nothing is found. */
export type KeptReader = {
  readonly evidence: (
    collectionId: number | null,
    cutoff: Stamp,
    of: Parameters<Store["listEvidence"]>[1],
  ) => readonly KeptEvidence[];
  readonly rejections: (
    spaceId: number | null,
    of: Parameters<Store["listRejections"]>[1],
  ) => readonly KeptRejection[];
  readonly history: (
    collectionId: number | null,
    of: Parameters<Store["listHistory"]>[1],
  ) => readonly StoredRecord[];
};

export const createKeptReader = (database: DatabaseSync): KeptReader => {
  const evidence = prepareRows<EvidenceRow>(
    database,
    `SELECT ${EVIDENCE_COLUMNS} FROM evidence INDEXED BY evidence_by_collection
     WHERE collection = ? AND kept_at >= ? ORDER BY id DESC LIMIT ?`,
  );
  const evidenceOfKey = prepareRows<EvidenceRow>(
    database,
    `SELECT ${EVIDENCE_COLUMNS} FROM evidence INDEXED BY evidence_by_version
     WHERE collection = ? AND kept_at >= ? AND key = ? ORDER BY id DESC LIMIT ?`,
  );
  const rejections = prepareRows<RejectionRow>(
    database,
    `SELECT client_id, rejection, body, kept_at FROM rejections INDEXED BY rejections_by_space
     WHERE space = ?1 AND (?2 IS NULL OR client_id = ?2) ORDER BY id DESC LIMIT ?3`,
  );
  const history = prepareRows<RecordRow>(
    database,
    `SELECT ${RECORD_COLUMNS} FROM history INDEXED BY history_by_seq
     WHERE collection = ? AND key = ? AND seq < ? ORDER BY seq DESC LIMIT ?`,
  );
  return {
    evidence: (collectionId, cutoff, { collection, key, limit }) => {
      const rows =
        key === null
          ? evidence.all(collectionId, cutoff, limit)
          : evidenceOfKey.all(collectionId, cutoff, key, limit);
      return rows.map(([reason, ofKey, stamp, verified, author, value, clientId, keptAt]) => ({
        reason,
        collection,
        key: ofKey,
        stamp,
        value,
        author: authorFromRow(author, verified),
        clientId,
        keptAt,
      }));
    },
    rejections: (spaceId, { clientId, limit }) =>
      rejections.all(spaceId, clientId, limit).map(([client, rejection, body, keptAt]) => ({
        clientId: client,
        rejection: JSON.parse(rejection) as Rejection,
        body,
        keptAt,
      })),
    history: (collectionId, { collection, key, beforeSeq, limit }) =>
      history
        .all(collectionId, key, beforeSeq ?? Number.MAX_SAFE_INTEGER, limit)
        .map((row) => recordFromRow(collection, row)),
  };
};
