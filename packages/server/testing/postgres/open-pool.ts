import type { Migration } from "../../src/postgres/migration.ts";
import { readDatabaseAddress } from "../../src/postgres/database-address.ts";
import { migrate } from "../../src/postgres/migrate.ts";
import type { PostgresPool, PostgresPoolOptions } from "../../src/postgres/postgres-pool.ts";
import { openPostgresPool } from "../../src/postgres/reach-database.ts";
import { systemRuntime } from "../../src/system-runtime.ts";
import { APP, type TestDatabase } from "./test-database.ts";

/** A pool's options as servers have them, with times that a test can wait for. */
export const testPoolOptions = (
  url: string,
  more: Partial<PostgresPoolOptions> = {},
): PostgresPoolOptions => ({
  address: readDatabaseAddress(url, {}),
  runtime: systemRuntime,
  times: { connectMs: 5_000, statementMs: 20_000, lockMs: 5_000, idleInTransactionMs: 20_000 },
  applicationName: "synchro test",
  role: "primary",
  allowsSuperuser: false,
  pipelines: true,
  bounds: { connectionsMax: 4, waitMs: 5_000, waitingMax: 1_000 },
  ...more,
});

export const openTestPool = (
  url: string,
  more: Partial<PostgresPoolOptions> = {},
): Promise<PostgresPool> => openPostgresPool(testPoolOptions(url, more));

/** Runs migrations as the database's owner, and gives the servers' role its rights. */
export const migrateTestDatabase = async (
  database: TestDatabase,
  migrations: readonly Migration[],
): Promise<void> => {
  const address = readDatabaseAddress(database.ownerUrl, {});
  await migrate({ address, migrations, runtime: systemRuntime, grantTo: APP });
};
