import type { DatabaseSync } from "node:sqlite";
import type { Evidence, RefusedEvidence, Runtime, Stamp } from "@synchro/core";
import type { Limits } from "@synchro/protocol";
import { authorToRow } from "./record-row.ts";

/** Rows of old evidence that one commit takes away at most: it must not stall for years of it. */
const SWEPT_MAX = 256;

/** Who sent what is kept, and when. */
export type KeptFrom = { readonly clientId: string | null; readonly now: Stamp };

/** Writes evidence and rejections, within a transaction that the caller holds. */
export type KeptTable = {
  /** `cutoff`: older evidence counts as gone. */
  readonly addEvidence: (
    collectionId: number,
    evidence: Evidence,
    from: KeptFrom,
    cutoff: Stamp,
  ) => void;
  /** Returns whether it was new. */
  readonly addRejection: (spaceId: number, refused: RefusedEvidence, from: KeptFrom) => boolean;
  readonly trimRejections: (spaceId: number) => void;
  /** Takes away some evidence older than `cutoff`, of any space. */
  readonly sweep: (cutoff: Stamp) => void;
};

export const createKeptTable = (
  database: DatabaseSync,
  context: { readonly limits: Limits; readonly sha256: Runtime["sha256"] },
): KeptTable => {
  const { limits, sha256 } = context;
  const dropOldEvidence = database.prepare(
    "DELETE FROM evidence WHERE collection = ? AND key = ? AND kept_at < ?",
  );
  const insertEvidence = database.prepare(
    `INSERT OR IGNORE INTO evidence
       (collection, key, stamp, value_hash, reason, kept_at, client_id, author_verified, author, value)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const trimEvidence = database.prepare(
    `DELETE FROM evidence WHERE id IN (
       SELECT id FROM evidence INDEXED BY evidence_by_version
       WHERE collection = ? AND key = ? ORDER BY id DESC LIMIT -1 OFFSET ?)`,
  );
  const insertRejection = database.prepare(
    `INSERT OR IGNORE INTO rejections (space, fingerprint, kept_at, client_id, rejection, body)
     VALUES (?, ?, ?, ?, ?, ?)`,
  );
  const trimRejections = database.prepare(
    `DELETE FROM rejections WHERE id IN (
       SELECT id FROM rejections INDEXED BY rejections_by_space
       WHERE space = ? ORDER BY id DESC LIMIT -1 OFFSET ?)`,
  );
  const sweep = database.prepare(
    `DELETE FROM evidence WHERE id IN (
       SELECT id FROM evidence INDEXED BY evidence_by_age WHERE kept_at < ? LIMIT ${SWEPT_MAX})`,
  );
  return {
    addEvidence: (collectionId, evidence, { clientId, now }, cutoff) => {
      const { key, stamp, value, reason } = evidence;
      dropOldEvidence.run(collectionId, key, cutoff);
      const { changes } = insertEvidence.run(
        collectionId,
        key,
        stamp,
        sha256(value ?? ""),
        reason,
        now,
        clientId,
        ...authorToRow(evidence.author),
        value,
      );
      if (changes !== 0) trimEvidence.run(collectionId, key, limits.evidencePerRecordMax);
    },
    addRejection: (spaceId, { rejection, body, bodyHash }, { clientId, now }) => {
      const fingerprint = sha256(JSON.stringify([clientId, rejection.code, body, bodyHash]));
      const { changes } = insertRejection.run(
        spaceId,
        fingerprint,
        now,
        clientId,
        JSON.stringify(rejection),
        body,
      );
      return changes !== 0;
    },
    trimRejections: (spaceId) => {
      trimRejections.run(spaceId, limits.rejectionsPerSpaceMax);
    },
    sweep: (cutoff) => {
      sweep.run(cutoff);
    },
  };
};
