import type { Runtime } from "@synchro/core";
import { type Client, DatabaseError } from "pg";
import type { DatabaseAddress } from "./database-address.ts";
import { DatabaseRefusedError } from "./database-refused-error.ts";
import { grantRights } from "./grant-rights.ts";
import type { Migration } from "./migration.ts";
import { reachDatabase } from "./reach-database.ts";
import type { PostgresConnection } from "./postgres-connection.ts";
import { failureOf } from "./postgres-failure.ts";
import { EVERY_SPACE } from "./space-policy.ts";

/** The number of the lock that lets one process migrate at a time: "synchro" in ASCII, cut to 48 bits. */
const MIGRATION_LOCK = 0x73_79_6e_63_68_72;

/** Milliseconds that a step waits for tables that servers use: they wait behind it meanwhile. */
const LOCK_MS = 1_000;

/** How often a step that found its tables in use is tried, and how long it then leaves them alone. */
const ATTEMPTS = 60;
const PAUSE_MS = 500;

/** Milliseconds that a process waits for another one that migrates. */
const OTHERS_MS = 120_000;

const CONNECT_MS = 10_000;

export type MigrateOptions = {
  readonly address: DatabaseAddress;
  /** All that the program knows, in the order in which they run. */
  readonly migrations: readonly Migration[];
  readonly runtime: Pick<Runtime, "after" | "monotonicMs">;
  /** The role of the servers, where it is not the owner's own: gets what it needs. Null: nobody. */
  readonly grantTo: string | null;
};

/** Steps that stand in the database, before and after. */
export type MigrationOutcome = { readonly from: number; readonly to: number };

const pause = (runtime: Pick<Runtime, "after">, ms: number): Promise<void> =>
  new Promise((resolve) => {
    runtime.after(ms, resolve);
  });

const appliedIn = async (client: Client): Promise<ReadonlySet<number>> => {
  const { rows } = await client.query<{ number: number }>("SELECT number FROM synchro.migrations");
  return new Set(rows.map(({ number }) => number));
};

/** @throws DatabaseRefusedError where another program has gone further than this one knows. */
export const assertNotNewer = (
  applied: ReadonlySet<number>,
  migrations: readonly Migration[],
): void => {
  const known = new Set(migrations.map(({ number }) => number));
  const unknown = [...applied].filter((number) => !known.has(number));
  if (unknown.length === 0) return;
  throw new DatabaseRefusedError(
    `it was migrated by a newer synchro (step ${unknown.join(", ")}): use that one`,
  );
};

const lockOut = async (client: Client, runtime: MigrateOptions["runtime"]): Promise<void> => {
  const start = runtime.monotonicMs();
  for (;;) {
    const { rows } = await client.query<{ held: boolean }>(
      `SELECT pg_try_advisory_lock(${MIGRATION_LOCK}) AS held`,
    );
    if (rows[0]?.held === true) return;
    if (runtime.monotonicMs() - start > OTHERS_MS) {
      throw new DatabaseRefusedError("another process has been migrating it for two minutes");
    }
    await pause(runtime, PAUSE_MS / 5);
  }
};

const runStep = async (client: Client, step: Migration): Promise<void> => {
  await client.query("BEGIN");
  try {
    await client.query(
      `SET LOCAL lock_timeout = ${LOCK_MS}; SET LOCAL synchro.space = '${EVERY_SPACE}'`,
    );
    for (const statement of step.statements) await client.query(statement);
    await client.query({
      text: "INSERT INTO synchro.migrations (number, name) VALUES ($1, $2)",
      values: [step.number, step.name],
    });
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK").catch(() => {});
    throw error;
  }
};

/** A step waits for locks but briefly, for whoever comes behind it in the queue waits along. */
const runPatiently = async (
  client: Client,
  step: Migration,
  runtime: MigrateOptions["runtime"],
): Promise<void> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await runStep(client, step);
    } catch (error) {
      if (failureOf(error) !== "busy") throw error;
      if (attempt === ATTEMPTS) {
        throw new DatabaseRefusedError(
          `step ${step.number} (${step.name}) needs tables that somebody holds: see pg_stat_activity`,
          { cause: error },
        );
      }
      await pause(runtime, PAUSE_MS);
    }
  }
};

const makeList = async (client: Client): Promise<void> => {
  const { rows } = await client.query<{ found: boolean }>(
    "SELECT to_regclass('synchro.migrations') IS NOT NULL AS found",
  );
  if (rows[0]?.found === true) return;
  await client.query("CREATE SCHEMA IF NOT EXISTS synchro");
  await client.query(`CREATE TABLE synchro.migrations (
    number integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`);
};

const migrateOver = async (
  { client }: PostgresConnection,
  { migrations, runtime, grantTo }: MigrateOptions,
): Promise<MigrationOutcome> => {
  await lockOut(client, runtime);
  await makeList(client);
  const applied = await appliedIn(client);
  assertNotNewer(applied, migrations);
  for (const step of migrations) {
    if (!applied.has(step.number)) await runPatiently(client, step, runtime);
  }
  if (grantTo !== null) await grantRights(client, grantTo);
  return { from: applied.size, to: migrations.length };
};

/**
 * Brings a database to this program's version, while servers of the version before are at work. One
 * process at a time; what a killed one has finished stands. Run by the role that owns schema `synchro`.
 *
 * @throws DatabaseRefusedError in one line.
 */
export const migrate = async (options: MigrateOptions): Promise<MigrationOutcome> => {
  const { address, runtime } = options;
  const connection = await reachDatabase({
    address,
    runtime,
    times: { connectMs: CONNECT_MS, statementMs: 0, lockMs: LOCK_MS, idleInTransactionMs: 0 },
    applicationName: "synchro migrate",
    role: "primary",
    allowsSuperuser: true,
    pipelines: false,
  });
  try {
    return await migrateOver(connection, options);
  } catch (error) {
    if (!(error instanceof DatabaseError || error instanceof DatabaseRefusedError)) throw error;
    throw new DatabaseRefusedError(`${address.shown}: ${error.message}`, { cause: error });
  } finally {
    connection.destroy();
  }
};
