import {
  type CollectionName,
  laterStamp,
  type Runtime,
  type Seq,
  type SpaceId,
  type Stamp,
} from "@synchro/core";
import type { PostgresPool } from "../../postgres/postgres-pool.ts";
import type { PostgresTransaction } from "../../postgres/postgres-transaction.ts";
import type { Statement } from "../../postgres/statement.ts";
import type { PurgeOutcome } from "../store.ts";
import { loadDeclared, lock } from "./space-tables.ts";

/** Tombstones that one transaction of a purge looks at. */
const STEP_ROWS_MAX = 1_000;

const purgeSome: Statement = {
  name: "purge_some",
  text: `WITH looked AS (
      SELECT key, seq, stamp, buried_at FROM synchro.records
      WHERE space = $1 AND era = $2 AND collection = $3 AND value IS NULL AND seq > $4
      ORDER BY seq LIMIT $5
    ), gone AS (
      DELETE FROM synchro.records AS present USING looked
      WHERE present.space = $1 AND present.era = $2 AND present.collection = $3
        AND present.key = looked.key AND looked.buried_at < $6 AND looked.stamp < $6
      RETURNING looked.seq, greatest(looked.stamp, looked.buried_at) AS latest
    )
    SELECT (SELECT count(*) FROM looked), (SELECT max(seq) FROM looked),
      count(*), coalesce(max(seq), 0), max(latest) FROM gone`,
};

const raiseFloor: Statement = {
  name: "raise_floor",
  text: "UPDATE synchro.spaces SET floor = $2, cutoff = $3 WHERE space = $1",
};

type PurgedRow = readonly [
  looked: number,
  lastSeq: Seq | null,
  purged: number,
  seqMax: Seq,
  latest: Stamp | null,
];

/** Where a purge goes on: after this tombstone, in collections by name. */
type PurgePlace = { readonly collection: CollectionName; readonly afterSeq: Seq };

type PurgeStep = {
  readonly purged: number;
  readonly floor: Seq;
  readonly next: PurgePlace | null;
};

const takeStep = async (
  tx: PostgresTransaction,
  space: SpaceId,
  of: { readonly cutoff: Stamp; readonly from: PurgePlace | null },
  hash: Pick<Runtime, "sha256">,
): Promise<PurgeStep> => {
  const { cutoff, from } = of;
  const [{ space: found }, declared] = await Promise.all([lock(tx, space, hash), loadDeclared(tx)]);
  if (found === null) return { purged: 0, floor: 0, next: null };
  const { era, state } = found;
  const collections = declared
    .filter((name) => state.digests.has(name))
    .filter((name) => from === null || name >= from.collection);
  let left = STEP_ROWS_MAX;
  let count = 0;
  let { floor, cutoff: latest } = state;
  let next: PurgePlace | null = null;
  for (const collection of collections) {
    const afterSeq: Seq = collection === from?.collection ? from.afterSeq : 0;
    const values = [space, era, collection, afterSeq, left, cutoff];
    const { rows } = await tx.write<PurgedRow>(purgeSome, values);
    const [looked, lastSeq, purged, seqMax, time] = rows[0] ?? [0, null, 0, 0, null];
    count += purged;
    floor = Math.max(floor, seqMax);
    if (time !== null) latest = laterStamp(latest ?? time, time);
    left -= looked;
    if (left > 0) continue;
    next = { collection, afterSeq: lastSeq ?? afterSeq };
    break;
  }
  if (count > 0) await tx.write(raiseFloor, [space, floor, latest]);
  return { purged: count, floor, next };
};

/** Takes old tombstones away, in transactions of bounded size. See `Store.purge`. */
export const purgeSpace = async (
  pool: PostgresPool,
  space: SpaceId,
  cutoff: Stamp,
  hash: Pick<Runtime, "sha256">,
): Promise<PurgeOutcome> => {
  let purged = 0;
  let floor = 0;
  let from: PurgePlace | null = null;
  for (;;) {
    const at: PurgePlace | null = from;
    const outcome = await pool.transaction({ space }, (tx) =>
      takeStep(tx, space, { cutoff, from: at }, hash),
    );
    if (outcome.kind === "full") return { kind: "full", purged, floor };
    const step: PurgeStep = outcome.result;
    purged += step.purged;
    ({ floor } = step);
    from = step.next;
    if (from === null) return { kind: "purged", purged, floor };
  }
};
