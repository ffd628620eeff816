import type { Evidence, Rejection, SpaceId, Stamp, StoredRecord } from "@synchro/core";
import type { PostgresReader } from "../../postgres/postgres-transaction.ts";
import type { Statement } from "../../postgres/statement.ts";
import type { KeptEvidence, KeptRejection, Store } from "../store.ts";
import { authorFromRow, RECORD_COLUMNS, recordFromRow, type RecordRow } from "./record-row.ts";
import { PRESENT_ERA } from "./space-tables.ts";

const EVIDENCE_COLUMNS = "reason, key, stamp, author_verified, author, value, client_id, kept_at";

const listEvidenceOfCollection: Statement = {
  name: "list_evidence_of_collection",
  text: `SELECT ${EVIDENCE_COLUMNS} FROM synchro.evidence
    WHERE space = $1 AND era = ${PRESENT_ERA} AND collection = $2 AND kept_at >= $3
    ORDER BY n DESC LIMIT $4`,
};

const listEvidenceOfKey: Statement = {
  name: "list_evidence_of_key",
  text: `SELECT ${EVIDENCE_COLUMNS} FROM synchro.evidence
    WHERE space = $1 AND era = ${PRESENT_ERA} AND collection = $2 AND kept_at >= $3 AND key = $5
    ORDER BY n DESC LIMIT $4`,
};

const listAllRejections: Statement = {
  name: "list_rejections",
  text: `SELECT client_id, rejection, body, kept_at FROM synchro.rejections
    WHERE space = $1 AND era = ${PRESENT_ERA} AND ($2::text IS NULL OR client_id = $2)
    ORDER BY n DESC LIMIT $3`,
};

const listVersions: Statement = {
  name: "list_history",
  text: `SELECT ${RECORD_COLUMNS} FROM synchro.history
    WHERE space = $1 AND era = ${PRESENT_ERA} AND collection = $2 AND key = $3 AND seq < $4
    ORDER BY seq DESC LIMIT $5`,
};

type EvidenceRow = readonly [
  reason: Evidence["reason"],
  key: string,
  stamp: Stamp,
  authorVerified: boolean | null,
  author: string | null,
  value: string | null,
  clientId: string | null,
  keptAt: Stamp,
];

type RejectionRow = readonly [
  clientId: string | null,
  rejection: string,
  body: string | null,
  keptAt: Stamp,
];

export const listEvidence = async (
  tx: PostgresReader,
  space: SpaceId,
  cutoff: Stamp,
  { collection, key, limit }: Parameters<Store["listEvidence"]>[1],
): Promise<readonly KeptEvidence[]> => {
  const values = [space, collection, cutoff, limit];
  const rows =
    key === null
      ? await tx.read<EvidenceRow>(listEvidenceOfCollection, values)
      : await tx.read<EvidenceRow>(listEvidenceOfKey, [...values, key]);
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
};

export const listRejections = async (
  tx: PostgresReader,
  space: SpaceId,
  { clientId, limit }: Parameters<Store["listRejections"]>[1],
): Promise<readonly KeptRejection[]> => {
  const rows = await tx.read<RejectionRow>(listAllRejections, [space, clientId, limit]);
  return rows.map(([client, rejection, body, keptAt]) => ({
    clientId: client,
    rejection: JSON.parse(rejection) as Rejection,
    body,
    keptAt,
  }));
};

export const listHistory = async (
  tx: PostgresReader,
  space: SpaceId,
  { collection, key, beforeSeq, limit }: Parameters<Store["listHistory"]>[1],
): Promise<readonly StoredRecord[]> => {
  const before = beforeSeq ?? Number.MAX_SAFE_INTEGER;
  const rows = await tx.read<RecordRow>(listVersions, [space, collection, key, before, limit]);
  return rows.map(recordFromRow);
};
