import type { Stamp } from "@synchro/core";
import type { Limits } from "@synchro/protocol";
import type { PostgresTransaction } from "../../postgres/postgres-transaction.ts";
import type { Statement } from "../../postgres/statement.ts";
import { bigintColumn, booleanColumn, textColumn } from "./column-values.ts";
import { mergeEvidence, type NewEvidence, type StoredEvidence } from "./kept-evidence.ts";
import { mergeRejections, type NewRejection } from "./kept-rejections.ts";
import type { Place } from "./record-table.ts";

const findEvidence: Statement = {
  name: "find_evidence",
  text: `SELECT found.* FROM (
      SELECT DISTINCT * FROM unnest($3::text[], $4::text[]) AS named (collection, key)
    ) AS wanted
    CROSS JOIN LATERAL (
      SELECT n, collection, key, stamp, value_hash, kept_at FROM synchro.evidence
      WHERE space = $1 AND era = $2 AND collection = wanted.collection AND key = wanted.key
      ORDER BY n OFFSET 0
    ) AS found ORDER BY n`,
};

const dropEvidence: Statement = {
  name: "drop_evidence",
  text: "DELETE FROM synchro.evidence WHERE space = $1 AND era = $2 AND n = ANY ($3::bigint[])",
};

/** Rows of old evidence that one commit takes away at most: it must not stall for years of it. */
const SWEPT_MAX = 256;

// In the order in which they came, which is that of time but for clocks that were set back.
const sweepEvidence: Statement = {
  name: "sweep_evidence",
  text: `DELETE FROM synchro.evidence WHERE space = $1 AND era = $2 AND n IN (
      SELECT n FROM synchro.evidence WHERE space = $1 AND era = $2 ORDER BY n LIMIT ${SWEPT_MAX}
    ) AND kept_at < $3`,
};

const addEvidence: Statement = {
  name: "add_evidence",
  text: `INSERT INTO synchro.evidence (space, era, n, collection, key, stamp, value_hash, reason,
      kept_at, client_id, author_verified, author, value)
    SELECT $1, $2, added.* FROM unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[],
      $8::text[], $9::text[], $10::text[], $11::boolean[], $12::text[], $13::text[]) AS added`,
};

const findRejections: Statement = {
  name: "find_rejections",
  text: `SELECT n, fingerprint FROM synchro.rejections WHERE space = $1 AND era = $2 ORDER BY n`,
};

const dropRejections: Statement = {
  name: "drop_rejections",
  text: "DELETE FROM synchro.rejections WHERE space = $1 AND era = $2 AND n = ANY ($3::bigint[])",
};

const addRejections: Statement = {
  name: "add_rejections",
  text: `INSERT INTO synchro.rejections (space, era, n, fingerprint, kept_at, client_id, rejection, body)
    SELECT $1, $2, added.* FROM unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[],
      $8::text[]) AS added`,
};

type EvidenceRow = readonly [
  n: number,
  collection: string,
  key: string,
  stamp: Stamp,
  valueHash: string,
  keptAt: Stamp,
];

/** What a group of pushes leaves behind besides records, in the order of the pushes. */
export type KeptByGroup = {
  readonly evidence: readonly NewEvidence[];
  /** One list a push. */
  readonly rejections: readonly (readonly NewRejection[])[];
};

/** What the tables held before, as far as it matters. */
export type KeptBefore = {
  readonly evidence: readonly StoredEvidence[];
  readonly rejections: readonly { readonly n: number; readonly fingerprint: string }[];
};

const hasRejections = (kept: KeptByGroup): boolean =>
  kept.rejections.some((ofPush) => ofPush.length > 0);

export const isEmpty = (kept: KeptByGroup): boolean =>
  kept.evidence.length === 0 && !hasRejections(kept);

/** Reads what a merge needs. One round trip, whatever it is. */
export const loadKept = async (
  tx: PostgresTransaction,
  { space, era }: Place,
  kept: KeptByGroup,
): Promise<KeptBefore> => {
  const records = kept.evidence.map(({ evidence }) => evidence);
  const [evidence, rejections] = await Promise.all([
    records.length === 0
      ? []
      : tx.read<EvidenceRow>(findEvidence, [
          space,
          era,
          textColumn(records.map(({ collection }) => collection)),
          textColumn(records.map(({ key }) => key)),
        ]),
    hasRejections(kept)
      ? tx.read<readonly [n: number, fingerprint: string]>(findRejections, [space, era])
      : [],
  ]);
  return {
    evidence: evidence.map(([n, collection, key, stamp, valueHash, keptAt]) => ({
      n,
      collection,
      key,
      stamp,
      valueHash,
      keptAt,
    })),
    rejections: rejections.map(([n, fingerprint]) => ({ n, fingerprint })),
  };
};

const writeEvidence = async (
  tx: PostgresTransaction,
  { space, era }: Place,
  { dropped, added }: Pick<ReturnType<typeof mergeEvidence>, "dropped" | "added">,
): Promise<void> => {
  const of = added.map(({ evidence }) => evidence);
  const last = added.at(-1);
  await Promise.all([
    dropped.length > 0 && tx.write(dropEvidence, [space, era, bigintColumn(dropped)]),
    last !== undefined && tx.write(sweepEvidence, [space, era, last.cutoff]),
    last !== undefined &&
      tx.write(addEvidence, [
        space,
        era,
        bigintColumn(added.map(({ n }) => n)),
        textColumn(of.map(({ collection }) => collection)),
        textColumn(of.map(({ key }) => key)),
        textColumn(of.map(({ stamp }) => stamp)),
        textColumn(added.map(({ valueHash }) => valueHash)),
        textColumn(of.map(({ reason }) => reason)),
        textColumn(added.map(({ keptAt }) => keptAt)),
        textColumn(added.map(({ clientId }) => clientId)),
        booleanColumn(of.map(({ author }) => author?.verified ?? null)),
        textColumn(of.map(({ author }) => author?.name ?? null)),
        textColumn(of.map(({ value }) => value)),
      ]),
  ]);
};

const writeRejections = async (
  tx: PostgresTransaction,
  { space, era }: Place,
  { dropped, added }: Pick<ReturnType<typeof mergeRejections>, "dropped" | "added">,
): Promise<void> => {
  await Promise.all([
    dropped.length > 0 && tx.write(dropRejections, [space, era, bigintColumn(dropped)]),
    added.length > 0 &&
      tx.write(addRejections, [
        space,
        era,
        bigintColumn(added.map(({ n }) => n)),
        textColumn(added.map(({ fingerprint }) => fingerprint)),
        textColumn(added.map(({ keptAt }) => keptAt)),
        textColumn(added.map(({ clientId }) => clientId)),
        textColumn(added.map(({ refused }) => JSON.stringify(refused.rejection))),
        textColumn(added.map(({ refused }) => refused.body)),
      ]),
  ]);
};

/** Writes what a group leaves behind, and answers the last number given. Starts at once; await it. */
export const writeKept = (
  tx: PostgresTransaction,
  place: Place,
  group: KeptByGroup,
  before: KeptBefore,
  { limits, kept }: { readonly limits: Limits; readonly kept: number },
): { readonly kept: number; readonly written: Promise<unknown> } => {
  const evidence = mergeEvidence(before.evidence, group.evidence, {
    perRecordMax: limits.evidencePerRecordMax,
    kept,
  });
  const rejections = mergeRejections(before.rejections, group.rejections, {
    perSpaceMax: limits.rejectionsPerSpaceMax,
    kept: evidence.kept,
  });
  return {
    kept: rejections.kept,
    written: Promise.all([
      writeEvidence(tx, place, evidence),
      writeRejections(tx, place, rejections),
    ]),
  };
};
