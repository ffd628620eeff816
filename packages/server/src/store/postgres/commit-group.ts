import type { Runtime, SpaceId } from "@synchro/core";
import type { PostgresPool } from "../../postgres/postgres-pool.ts";
import type { PostgresTransaction } from "../../postgres/postgres-transaction.ts";
import type { Statement } from "../../postgres/statement.ts";
import { StoreUnavailableError } from "../store-unavailable-error.ts";
import type { StoreOptions, StorePush } from "../store.ts";
import { isEmpty, loadKept, writeKept } from "./kept-tables.ts";
import { type GroupOutcome, type GroupPlan, planGroup, type PushContext } from "./plan-group.ts";
import { addToHistory, find, type Place, put } from "./record-table.ts";
import { digestsToColumn, epochsToColumn, type LoadedSpace } from "./space-row.ts";
import { insert, lock } from "./space-tables.ts";

const saveSpace: Statement = {
  name: "save_space",
  text: "UPDATE synchro.spaces SET head = $2, kept = $3, digests = $4 WHERE space = $1",
};

/** Apart from the above: a long list stays where it is, outside the row, as long as nobody sets it. */
const saveEpochs: Statement = {
  name: "save_epochs",
  text: "UPDATE synchro.spaces SET head = $2, kept = $3, digests = $4, epochs = $5 WHERE space = $1",
};

/** Locks the space and reads what the pushes name: two statements or more, one round trip. */
const readGround = async (
  tx: PostgresTransaction,
  space: SpaceId,
  pushes: readonly StorePush[],
  hash: Pick<Runtime, "sha256">,
): Promise<
  Awaited<ReturnType<typeof lock>> & { readonly records: Awaited<ReturnType<typeof find>> }
> => {
  const wanted = pushes.flatMap((push) =>
    push.changes.flatMap((change) => (change.kind === "refused" ? [] : [change])),
  );
  const [locked, records] = await Promise.all([lock(tx, space, hash), find(tx, space, wanted)]);
  return { ...locked, records };
};

const writePlan = async (
  tx: PostgresTransaction,
  place: Place,
  { state: before, kept }: Pick<LoadedSpace, "state" | "kept">,
  plan: GroupPlan,
  { limits, areNew }: { readonly limits: PushContext["limits"]; readonly areNew: boolean },
): Promise<void> => {
  const { state } = plan;
  if (state === null) return;
  const hasKept = !isEmpty(plan.kept);
  const keptBefore = hasKept
    ? await loadKept(tx, place, plan.kept)
    : { evidence: [], rejections: [] };
  // From here on everything goes out at once.
  const keeping = writeKept(tx, place, plan.kept, keptBefore, { limits, kept });
  const digests = digestsToColumn(state.digests);
  const values = [place.space, state.head, keeping.kept, digests];
  const isNew = state.epochs !== before.epochs;
  await Promise.all([
    put(tx, place, plan.records, areNew),
    addToHistory(tx, place, plan.history),
    keeping.written,
    isNew
      ? tx.write(saveEpochs, [...values, epochsToColumn(state.epochs)])
      : (state !== before || keeping.kept !== kept) && tx.write(saveSpace, values),
  ]);
};

/** Thrown to undo a transaction of which nothing is to stay. */
class NothingToKeep extends Error {
  readonly plan: GroupPlan;

  constructor(plan: GroupPlan) {
    super("nothing to keep");
    this.plan = plan;
  }
}

const bare: LoadedSpace = {
  era: 0,
  kept: 0,
  state: { head: 0, epochs: [], floor: 0, cutoff: null, digests: new Map() },
};

/** What a group is committed with. */
export type CommitContext = PushContext & Required<Pick<StoreOptions, "onCommit">>;

const tell = (outcomes: readonly GroupOutcome[], { onCommit }: CommitContext): void => {
  const committed = outcomes.filter((outcome) => outcome.kind === "committed");
  const records = committed.reduce((sum, { changed }) => sum + changed, 0);
  if (committed.length > 0) onCommit({ pushes: committed.length, records });
};

const commitTogether = async (
  pool: PostgresPool,
  space: SpaceId,
  pushes: readonly StorePush[],
  context: CommitContext,
): Promise<readonly GroupOutcome[] | "full"> => {
  try {
    const outcome = await pool.transaction({ space }, async (tx) => {
      let ground = await readGround(tx, space, pushes, context);
      const hasChanges = pushes.some((push) => push.changes.length > 0);
      let isMade = false;
      if (ground.space === null && hasChanges) {
        await insert(tx, space);
        ground = await readGround(tx, space, pushes, context);
        isMade = true;
      }
      const { epoch, records } = ground;
      const loaded = ground.space ?? bare;
      // A row that was just made lists no epoch yet, and one that another node has made does.
      const state = loaded.state.epochs.length === 0 ? null : loaded.state;
      const plan = planGroup(pushes, { state, epoch, records }, context);
      if (plan.state === null && isMade) throw new NothingToKeep(plan);
      // Of records of which none was there, none can be in the way: that is looked up for each otherwise.
      const how = { limits: context.limits, areNew: records.length === 0 };
      await writePlan(tx, { space, era: loaded.era }, loaded, plan, how);
      return plan.outcomes;
    });
    if (outcome.kind === "full") return "full";
    tell(outcome.result, context);
    return outcome.result;
  } catch (error) {
    if (error instanceof NothingToKeep) return error.plan.outcomes;
    throw error;
  }
};

/**
 * Makes pushes to one space durable, in their order, in one transaction: one outcome a push. What
 * fits together or fails together is tried alone if there is a neighbour that it could hurt.
 *
 * @throws StoreUnavailableError if it is not known to be durable; the same pushes may come again.
 */
export const commitGroup = async (
  pool: PostgresPool,
  space: SpaceId,
  pushes: readonly StorePush[],
  context: CommitContext,
): Promise<readonly GroupOutcome[]> => {
  let reason: unknown;
  try {
    const outcomes = await commitTogether(pool, space, pushes, context);
    if (outcomes !== "full") return outcomes;
    if (pushes.length === 1) return [{ kind: "full" }];
  } catch (error) {
    if (error instanceof StoreUnavailableError) throw error;
    reason = error;
  }
  if (pushes.length === 1) return [{ kind: "failed", error: reason }];
  const outcomes: GroupOutcome[] = [];
  for (const push of pushes) {
    try {
      outcomes.push(...(await commitGroup(pool, space, [push], context)));
    } catch (error) {
      // Those before it are durable, and say so.
      outcomes.push({ kind: "failed", error });
    }
  }
  return outcomes;
};
