import { type Epoch, lifeOfSpace, listEpoch, type Runtime, type SpaceId } from "@synchro/core";
import type { PostgresTransaction } from "../../postgres/postgres-transaction.ts";
import type { Statement } from "../../postgres/statement.ts";
import { changeSpaces } from "./change-spaces.ts";
import { epochsToColumn } from "./space-row.ts";
import { loadEpoch, lock } from "./space-tables.ts";

const setNonce: Statement = {
  name: "set_nonce",
  text: "UPDATE synchro.database_life SET nonce = $1",
};

const lockLife: Statement = {
  name: "lock_life",
  text: "SELECT nonce FROM synchro.database_life FOR UPDATE",
};

const saveList: Statement = {
  name: "save_epoch_list",
  text: "UPDATE synchro.spaces SET epochs = $2 WHERE space = $1",
};

/** Lets nobody else renew the epoch. Whoever may do that takes this lock before those of spaces. */
export const holdEpoch = async (tx: PostgresTransaction): Promise<void> => {
  await tx.read(lockLife);
};

/** Gives the database another epoch, to which belongs what is committed after this transaction. */
export const renewEpoch = async (
  tx: PostgresTransaction,
  drawn: Epoch,
  hash: Pick<Runtime, "sha256">,
): Promise<Epoch> => {
  await tx.write(setNonce, [drawn]);
  return loadEpoch(tx, hash);
};

export type BegunEpoch = { readonly epoch: Epoch; readonly spaces: number };

/**
 * Begins an epoch, listed at once in a space, or in every one (null). `isFinal`: a life begins with
 * it, and what clients hold of the one before is not wanted back. Spec: EPOCH-5, EPOCH-7.
 */
export const beginEpoch = async (
  tx: PostgresTransaction,
  space: SpaceId | null,
  of: { readonly drawn: Epoch; readonly isFinal: boolean; readonly sha256: Runtime["sha256"] },
): Promise<BegunEpoch> => {
  await holdEpoch(tx);
  const epoch = await renewEpoch(tx, of.drawn, of);
  const lives = Number(of.isFinal);
  if (space === null) {
    const spaces = await changeSpaces(tx, (_, { state }) => {
      const life = lifeOfSpace(state.epochs) + lives;
      return { ...state, epochs: listEpoch(state.epochs, epoch, state.head, life) };
    });
    return { epoch, spaces };
  }
  const { space: found } = await lock(tx, space, of);
  if (found === null) return { epoch, spaces: 0 };
  const { epochs, head } = found.state;
  const listed = listEpoch(epochs, epoch, head, lifeOfSpace(epochs) + lives);
  await tx.write(saveList, [space, epochsToColumn(listed)]);
  return { epoch, spaces: 1 };
};
