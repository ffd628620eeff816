import type { CollectionName, Epoch, Runtime, SpaceId } from "@synchro/core";
import { epochOf, LIFE_SQL } from "../../postgres/database-epoch.ts";
import type { PostgresReader, PostgresTransaction } from "../../postgres/postgres-transaction.ts";
import type { Statement } from "../../postgres/statement.ts";
import { type LoadedSpace, SPACE_COLUMNS, spaceFromRow, type SpaceRow } from "./space-row.ts";

/** The era that a space is in, as a statement of its own moment finds it. `$1` is the space. */
export const PRESENT_ERA = "(SELECT era FROM synchro.spaces WHERE space = $1)";

const lockSpace: Statement = {
  name: "lock_space",
  text: `SELECT ${SPACE_COLUMNS} FROM synchro.spaces WHERE space = $1 FOR UPDATE`,
};

const insertSpace: Statement = {
  name: "insert_space",
  text: `INSERT INTO synchro.spaces (space, era, head, floor, kept, digests, epochs)
    VALUES ($1, 0, 0, 0, 0, '[]', '[]') ON CONFLICT DO NOTHING`,
};

const readLife: Statement = { name: "read_life", text: `SELECT ${LIFE_SQL}` };

const readSpace: Statement = {
  name: "read_space",
  text: `SELECT ${SPACE_COLUMNS} FROM synchro.spaces WHERE space = $1`,
};

const readDeclared: Statement = {
  name: "read_declared",
  text: "SELECT collection FROM synchro.declared ORDER BY collection",
};

/**
 * Whoever makes a space shares this lock, and whoever does something to all spaces holds it alone:
 * the rows that it locks are then all that there are.
 */
const ALL_SPACES_LOCK = 0x53_4e_43_52_53_50;

const shareAllSpaces: Statement = {
  name: "share_all_spaces",
  text: `SELECT pg_advisory_xact_lock_shared(${ALL_SPACES_LOCK})`,
};

const holdAllSpaces: Statement = {
  name: "hold_all_spaces",
  text: `SELECT pg_advisory_xact_lock(${ALL_SPACES_LOCK})`,
};

/** A space under its lock, and the database's epoch, read after that was taken; null: no such space. */
export type LockedSpace = { readonly space: LoadedSpace | null; readonly epoch: Epoch };

/**
 * Locks a space's row until the transaction ends, then reads the epoch in a statement of its own:
 * the first statement's snapshot may be older than the lock that it waited for. What is to be read
 * of the space beside it is started after the call, in the same turn.
 */
export const lock = async (
  tx: PostgresTransaction,
  space: SpaceId,
  hash: Pick<Runtime, "sha256">,
): Promise<LockedSpace> => {
  const [[row], epoch] = await Promise.all([
    tx.read<SpaceRow>(lockSpace, [space]),
    loadEpoch(tx, hash),
  ]);
  return { space: row === undefined ? null : spaceFromRow(row), epoch };
};

/** Makes a space's row, bare, if there is none. Lock it afterwards: another may have been faster. */
export const insert = async (tx: PostgresTransaction, space: SpaceId): Promise<void> => {
  await Promise.all([tx.write(shareAllSpaces), tx.write(insertSpace, [space])]);
};

/** Waits until nobody is making a space, and lets nobody begin to. */
export const holdAll = async (tx: PostgresTransaction): Promise<void> => {
  await tx.write(holdAllSpaces);
};

export const load = async (tx: PostgresReader, space: SpaceId): Promise<LoadedSpace | null> => {
  const [row] = await tx.read<SpaceRow>(readSpace, [space]);
  return row === undefined ? null : spaceFromRow(row);
};

/** The epoch of the database, as of the statement. */
export const loadEpoch = async (
  tx: PostgresReader,
  hash: Pick<Runtime, "sha256">,
): Promise<Epoch> => {
  const [row] = await tx.read<readonly [life: string | null]>(readLife);
  if (row === undefined || row[0] === null)
    throw new Error("the database has no life: its one row is gone");
  return epochOf(tx.identity, row[0], hash);
};

/** The collections that the last opening with others than before declared, by name. */
export const loadDeclared = async (tx: PostgresReader): Promise<readonly CollectionName[]> => {
  const rows = await tx.read<readonly [CollectionName]>(readDeclared);
  return rows.map(([name]) => name);
};

const listSpaces: Statement = {
  name: "list_spaces",
  text: "SELECT space FROM synchro.spaces ORDER BY space",
};

/** Every space, by id. */
export const listAll = async (tx: PostgresReader): Promise<readonly SpaceId[]> => {
  const rows = await tx.read<readonly [SpaceId]>(listSpaces);
  return rows.map(([space]) => space);
};
