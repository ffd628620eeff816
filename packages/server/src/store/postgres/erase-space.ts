import {
  type Epoch,
  lifeOfSpace,
  listEpoch,
  type Runtime,
  type SpaceId,
  type Stamp,
} from "@synchro/core";
import type { PostgresPool } from "../../postgres/postgres-pool.ts";
import type { PostgresTransaction } from "../../postgres/postgres-transaction.ts";
import type { Statement } from "../../postgres/statement.ts";
import { cutoffOfErasure } from "../cutoff-of-erasure.ts";
import { holdEpoch, renewEpoch } from "./begin-epoch.ts";
import { epochsToColumn } from "./space-row.ts";
import { lock } from "./space-tables.ts";

/** Rows that one transaction removes of what was erased. */
const STEP_ROWS_MAX = 1_000;

/** Tables whose rows belong to an era of a space. */
const tables = ["records", "history", "evidence", "rejections"] as const;

const holdsAnything: Statement = {
  name: "holds_anything",
  text: `SELECT ${tables
    .map((table) => `EXISTS (SELECT FROM synchro.${table} WHERE space = $1 AND era = $2)`)
    .join(" OR ")}`,
};

/** By collection the newest stamp of the live, and both times of the last tombstone. */
const timesOfAll: Statement = {
  name: "times_of_all",
  text: `SELECT newest.stamp, last.stamp, last.buried_at FROM unnest($3::text[]) AS named (collection)
    LEFT JOIN LATERAL (
      SELECT stamp FROM synchro.records
      WHERE space = $1 AND era = $2 AND collection = named.collection AND value IS NOT NULL
      ORDER BY stamp DESC, key LIMIT 1
    ) AS newest ON true
    LEFT JOIN LATERAL (
      SELECT stamp, buried_at FROM synchro.records
      WHERE space = $1 AND era = $2 AND collection = named.collection AND value IS NULL
      ORDER BY seq DESC LIMIT 1
    ) AS last ON true`,
};

const beginEra: Statement = {
  name: "begin_era",
  text: `UPDATE synchro.spaces
    SET era = $2, head = $3, floor = $3, cutoff = $4, digests = '[]', epochs = $5 WHERE space = $1`,
};

const noteErased: Statement = {
  name: "note_erased",
  text: "INSERT INTO synchro.erased (space, era) VALUES ($1, $2)",
};

const findErased: Statement = {
  name: "find_erased",
  text: "SELECT space, era FROM synchro.erased ORDER BY space, era LIMIT 1 FOR UPDATE SKIP LOCKED",
};

const findErasedOf: Statement = {
  name: "find_erased_of",
  text: "SELECT space, era FROM synchro.erased WHERE space = $1 ORDER BY era LIMIT 1 FOR UPDATE",
};

const dropErased: Statement = {
  name: "drop_erased",
  text: "DELETE FROM synchro.erased WHERE space = $1 AND era = $2",
};

const removals = tables.map((table): Statement => ({
  name: `remove_erased_${table}`,
  text: `DELETE FROM synchro.${table} WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM synchro.${table} WHERE space = $1 AND era = $2 LIMIT $3))`,
}));

/** Takes everything out of a space at once: a new era begins, of which there are no rows. False: there was nothing. */
export const beginEraOf = async (
  tx: PostgresTransaction,
  space: SpaceId,
  of: { readonly drawn: Epoch; readonly now: Stamp; readonly sha256: Runtime["sha256"] },
): Promise<Epoch | null> => {
  await holdEpoch(tx);
  const { space: found } = await lock(tx, space, of);
  if (found === null) return null;
  const { era, state } = found;
  const [held, times] = await Promise.all([
    tx.read<readonly [boolean]>(holdsAnything, [space, era]),
    tx.read<readonly (Stamp | null)[]>(timesOfAll, [space, era, [...state.digests.keys()]]),
  ]);
  if (held[0]?.[0] !== true) return null;
  const epoch = await renewEpoch(tx, of.drawn, of);
  // One seq that nothing has: whoever stood at the head is below the floor too.
  const head = state.head + 1;
  const cutoff = cutoffOfErasure(state.cutoff, times.flat(), of.now);
  const life = lifeOfSpace(state.epochs) + 1;
  const epochs = listEpoch(state.epochs, epoch, state.head, life);
  await Promise.all([
    tx.write(beginEra, [space, era + 1, head, cutoff, epochsToColumn(epochs)]),
    tx.write(noteErased, [space, era]),
  ]);
  return epoch;
};

/** One step of removing what was erased, of a space or of any (null). False: there is nothing left. */
const removeSome = async (tx: PostgresTransaction, of: SpaceId | null): Promise<boolean> => {
  const [found] = await (of === null
    ? tx.read<readonly [SpaceId, number]>(findErased)
    : tx.read<readonly [SpaceId, number]>(findErasedOf, [of]));
  if (found === undefined) return false;
  const [space, era] = found;
  let removed = 0;
  for (const statement of removals) {
    if (removed >= STEP_ROWS_MAX) return true;
    removed += (await tx.write(statement, [space, era, STEP_ROWS_MAX - removed])).count;
  }
  if (removed < STEP_ROWS_MAX) await tx.write(dropErased, [space, era]);
  return true;
};

/** Takes off the disk what was erased, in transactions of bounded size; false: there is no room even for that. */
export const removeErased = async (pool: PostgresPool, of: SpaceId | null): Promise<boolean> => {
  for (;;) {
    const outcome = await pool.transaction({ space: of ?? "*" }, (tx) => removeSome(tx, of));
    if (outcome.kind === "full") return false;
    if (!outcome.result) return true;
  }
};
