import {
  type CollectionName,
  drawEpoch,
  type Epoch,
  listEpoch,
  type Runtime,
  type SpaceId,
  type SpaceState,
} from "@synchro/core";
import type { PostgresPool } from "../../postgres/postgres-pool.ts";
import type { PostgresTransaction } from "../../postgres/postgres-transaction.ts";
import type { Statement } from "../../postgres/statement.ts";
import { holdEpoch, renewEpoch } from "./begin-epoch.ts";
import { changeSpaces } from "./change-spaces.ts";
import { textColumn } from "./column-values.ts";
import { computeDigests } from "./compute-digests.ts";
import type { LoadedSpace } from "./space-row.ts";
import { loadDeclared, loadEpoch } from "./space-tables.ts";

const clearDeclared: Statement = { name: "clear_declared", text: "DELETE FROM synchro.declared" };

const insertDeclared: Statement = {
  name: "insert_declared",
  text: "INSERT INTO synchro.declared (collection) SELECT unnest($1::text[])",
};

const reissueSeqs: Statement = {
  name: "reissue_seqs",
  text: `UPDATE synchro.records AS present
    SET seq = $4::bigint + moved.n, buried_at = CASE WHEN value IS NULL THEN $5::text END
    FROM (
      SELECT collection, key, row_number() OVER (ORDER BY seq) AS n FROM synchro.records
      WHERE space = $1 AND era = $2 AND collection = ANY ($3::text[])
    ) AS moved
    WHERE present.space = $1 AND present.era = $2
      AND present.collection = moved.collection AND present.key = moved.key`,
};

/** Gives the records of `added` in a space new seqs, in the order of the old ones. */
const reissue = async (
  tx: PostgresTransaction,
  space: SpaceId,
  { state, era }: LoadedSpace,
  { added, runtime }: { readonly added: readonly CollectionName[]; readonly runtime: Runtime },
): Promise<SpaceState> => {
  if (added.length === 0) return state;
  const names = textColumn(added);
  const values = [space, era, names, state.head, runtime.now()];
  const { count } = await tx.write(reissueSeqs, values);
  if (count === 0) return state;
  const computed = await computeDigests(tx, { space, era }, added);
  return {
    ...state,
    head: state.head + count,
    digests: new Map([...state.digests, ...computed]),
  };
};

const isSameSet = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && new Set(a).isSubsetOf(new Set(b));

/**
 * Notes in the database what is declared now, if that differs from the last opening, whichever node's
 * it was. A collection that was not declared, and holds records, was left out of every answer
 * meanwhile: its records get new seqs, so that they come as news to cursors that have passed them.
 * And every space lists a new epoch at once (EPOCH-8). In one transaction: nodes that open at the
 * same time do it one after the other, and the second finds it done. Answers the database's epoch.
 */
export const declareCollections = async (
  pool: PostgresPool,
  {
    declared,
    runtime,
  }: { readonly declared: readonly CollectionName[]; readonly runtime: Runtime },
): Promise<Epoch> => {
  const found = await pool.read({ space: "*" }, async (tx) => {
    const [names, epoch] = await Promise.all([loadDeclared(tx), loadEpoch(tx, runtime)]);
    return { names, epoch };
  });
  if (isSameSet(found.names, declared)) return found.epoch;
  const outcome = await pool.transaction({ space: "*" }, async (tx) => {
    await holdEpoch(tx);
    const [names, present] = await Promise.all([loadDeclared(tx), loadEpoch(tx, runtime)]);
    if (isSameSet(names, declared)) return present;
    const epoch = await renewEpoch(tx, drawEpoch(runtime), runtime);
    const added = declared.filter((name) => !names.includes(name));
    await changeSpaces(tx, async (space, before) => {
      const state = await reissue(tx, space, before, { added, runtime });
      return { ...state, epochs: listEpoch(state.epochs, epoch, before.state.head) };
    });
    await tx.write(clearDeclared);
    await tx.write(insertDeclared, [textColumn(declared)]);
    return epoch;
  });
  if (outcome.kind === "full") throw new Error("the database has no room to note the collections");
  return outcome.result;
};
