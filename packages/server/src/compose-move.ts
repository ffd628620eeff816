import { existsSync } from "node:fs";
import { DatabaseError } from "pg";
import { assertMigrated, telling } from "./compose-postgres.ts";
import type { DatabaseChoice } from "./config/data-place.ts";
import { StartError } from "./config/start-error.ts";
import { type ControlDump, emptyControlDump } from "./control/control-dump.ts";
import { controlTableNames, loadControl } from "./control/postgres/load-control.ts";
import { controlSchema } from "./control/sqlite/control-schema.ts";
import { dumpControl } from "./control/sqlite/dump-control.ts";
import { controlPath } from "./control/sqlite/open-sqlite-control-store.ts";
import type { PostgresConnection } from "./postgres/postgres-connection.ts";
import { beginTransaction, type OpenTransaction } from "./postgres/postgres-transaction.ts";
import { reachDatabase } from "./postgres/reach-database.ts";
import { EVERY_SPACE } from "./postgres/space-policy.ts";
import type { DataDump } from "./store/data-dump.ts";
import { type LoadedCounts, loadDump } from "./store/postgres/load-dump.ts";
import { loadEpoch } from "./store/postgres/space-tables.ts";
import { verifyDump } from "./store/postgres/verify-dump.ts";
import { databasePath } from "./store/sqlite/data-directory.ts";
import { lockData } from "./store/sqlite/data-lock.ts";
import { dumpData } from "./store/sqlite/dump-data.ts";
import { readMovedMark, removeMovedMark, writeMovedMark } from "./store/sqlite/moved-mark.ts";
import { openDump } from "./store/sqlite/open-dump.ts";
import { StoreOpenError } from "./store/sqlite/store-open-error.ts";
import { systemRuntime } from "./system-runtime.ts";

/** Tables of records that a move fills. */
const recordTables = [
  "spaces",
  "records",
  "history",
  "evidence",
  "rejections",
  "declared",
  "erased",
];

const CONNECT_MS = 10_000;
const LOCK_MS = 5_000;
const INSUFFICIENT_PRIVILEGE = "42501";

export type Moved = {
  readonly spaces: number;
  /** Null: an earlier run had done it, and was cut off before it could say so. */
  readonly counts: LoadedCounts | null;
};

type Source = {
  readonly data: DataDump;
  readonly control: ControlDump;
  readonly close: () => void;
};

/** Everything that a folder holds, at one moment, and nobody else's for as long. @throws StoreOpenError */
const openSource = (folder: string): Source => {
  const path = databasePath(folder);
  if (!existsSync(path)) {
    throw new StoreOpenError(
      "absent",
      `there is no database in ${folder}: name its folder with --data`,
    );
  }
  const opened = new DisposableStack();
  try {
    opened.adopt(lockData(folder), (lock) => lock.release());
    const records = opened.adopt(openDump(path), (it) => it.close());
    const hasControl = existsSync(controlPath(folder));
    const control = hasControl
      ? dumpControl(
          opened.adopt(openDump(controlPath(folder), controlSchema), (it) => it.close()).database,
        )
      : emptyControlDump;
    const all = opened.move();
    return { data: dumpData(records.database), control, close: () => all.dispose() };
  } finally {
    opened.dispose();
  }
};

const openTarget = ({ address }: DatabaseChoice): Promise<PostgresConnection> =>
  telling(
    reachDatabase({
      address,
      runtime: systemRuntime,
      times: { connectMs: CONNECT_MS, statementMs: 0, lockMs: LOCK_MS, idleInTransactionMs: 0 },
      applicationName: "synchro move",
      role: "primary",
      allowsSuperuser: true,
      pipelines: false,
    }),
  );

/** Tables whose policies hold their owner too: nothing can be copied into them as long as they do. */
const guardedTables = async ({ client }: PostgresConnection): Promise<readonly string[]> => {
  const { rows } = await client.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class
     WHERE relnamespace = 'synchro'::regnamespace AND relforcerowsecurity ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
};

const alterGuards = async (
  { client }: PostgresConnection,
  tables: readonly string[],
  how: "FORCE" | "NO FORCE",
): Promise<void> => {
  for (const table of tables) {
    await client.query(`ALTER TABLE synchro.${table} ${how} ROW LEVEL SECURITY`);
  }
};

/** What was declared by a server that was started there, and nothing else, is nothing. */
const holdsAnything = async ({ client }: PostgresConnection): Promise<boolean> => {
  const tables = [...recordTables.filter((name) => name !== "declared"), ...controlTableNames];
  const held = tables.map((table) => `EXISTS (SELECT FROM synchro.${table})`);
  const { rows } = await client.query<{ held: boolean }>(`SELECT ${held.join(" OR ")} AS held`);
  return rows[0]?.held === true;
};

/** Until the transaction ends nobody else reads or writes there. */
const takeTables = async (connection: PostgresConnection): Promise<readonly string[]> => {
  const tables = [...recordTables, ...controlTableNames].map((table) => `synchro.${table}`);
  await connection.client.query(`LOCK TABLE ${tables.join(", ")} IN ACCESS EXCLUSIVE MODE`);
  const guarded = await guardedTables(connection);
  await alterGuards(connection, guarded, "NO FORCE");
  return guarded;
};

type Move = {
  readonly connection: PostgresConnection;
  readonly tx: OpenTransaction;
  readonly source: Source;
  readonly onRecords: (count: number) => void;
};

const fill = async ({ connection, tx, source, onRecords }: Move): Promise<LoadedCounts> => {
  const { client } = connection;
  const guarded = await takeTables(connection);
  if (await holdsAnything(connection)) {
    throw new StartError("it holds data already: move into a database that is new");
  }
  await client.query("DELETE FROM synchro.declared");
  const epoch = await loadEpoch(tx, systemRuntime);
  const counts = await loadDump({ connection, dump: source.data, onRecords }, epoch);
  await loadControl(connection, source.control);
  const difference = await verifyDump(tx, source.data);
  if (difference !== null) throw new Error(`what was moved is not what was there: ${difference}`);
  await client.query(`ANALYZE ${recordTables.map((table) => `synchro.${table}`).join(", ")}`);
  await alterGuards(connection, guarded, "FORCE");
  return counts;
};

/** Whether an earlier run, of which nobody heard the end, has done it. */
const wasDone = async ({ tx, source, connection }: Omit<Move, "onRecords">): Promise<boolean> =>
  (await holdsAnything(connection)) && (await verifyDump(tx, source.data)) === null;

const tell = (error: unknown, { address }: DatabaseChoice): unknown => {
  if (error instanceof StoreOpenError) return new StartError(error.message);
  if (error instanceof StartError) return new StartError(`${address.shown}: ${error.message}`);
  if (!(error instanceof DatabaseError)) return error;
  return new StartError(
    error.code === INSUFFICIENT_PRIVILEGE
      ? `${address.shown}: only the role that owns schema synchro can move data there (${error.message})`
      : `${address.shown}: ${error.message}`,
  );
};

/**
 * Takes all that a folder holds to a database that holds nothing, in one transaction: records with
 * their seqs, epochs, history, evidence and rejections; spaces, devices, invitations, revocations and
 * the audit log. Every cursor, ack and token that was valid stays so. The folder is left as it was,
 * but for a mark with which it is not served any more.
 *
 * @throws StartError in one line.
 */
export const moveFolder = async (
  folder: string,
  to: DatabaseChoice,
  onRecords: (count: number) => void,
): Promise<Moved> => {
  let source: Source;
  try {
    source = openSource(folder);
  } catch (error) {
    throw error instanceof StoreOpenError ? new StartError(error.message) : error;
  }
  try {
    const mark = readMovedMark(folder);
    if (mark?.state === "done") throw new StartError(`${folder} was moved to ${mark.to} already`);
    const connection = await openTarget(to);
    try {
      return await moveOver(folder, to, { connection, source, onRecords });
    } finally {
      connection.destroy();
    }
  } finally {
    source.close();
  }
};

const moveOver = async (
  folder: string,
  to: DatabaseChoice,
  of: Omit<Move, "tx">,
): Promise<Moved> => {
  const { connection, source } = of;
  const done = { to: to.address.shown, state: "done" } as const;
  const spaces = source.data.spaces.length;
  const tx = beginTransaction(connection, { isolation: "read committed", space: EVERY_SPACE });
  const before = readMovedMark(folder);
  let isSent = false;
  try {
    await tx.begun;
    await assertMigrated({ read: (_, work) => work(tx) }, to);
    if (before !== null && (await wasDone({ ...of, tx }))) {
      writeMovedMark(folder, done);
      return { spaces, counts: null };
    }
    // From here on: whoever is cut off must not serve the folder as if nothing had happened.
    writeMovedMark(folder, { ...done, state: "begun" });
    const counts = await fill({ ...of, tx });
    isSent = true;
    const ended = await tx.command("COMMIT");
    if (ended !== "COMMIT") throw new Error(`the transaction ended with ${ended}`);
    writeMovedMark(folder, done);
    return { spaces, counts };
  } catch (error) {
    // Nothing of this run stands; of an earlier one, nobody knows.
    if (!isSent && before === null) removeMovedMark(folder);
    throw tell(error, to);
  }
};
