import { sharedPostgres } from "../../../testing/postgres/shared-postgres.ts";
import { APP, type TestDatabase } from "../../../testing/postgres/test-database.ts";
import { readDatabaseAddress } from "../../postgres/database-address.ts";
import { foundationMigrations } from "../../postgres/foundation-migrations.ts";
import { migrate } from "../../postgres/migrate.ts";
import { PostgresPool } from "../../postgres/postgres-pool.ts";
import { systemRuntime } from "../../system-runtime.ts";
import type { OpenedStore, StoreHarness } from "../store-harness.contract.ts";
import type { StoreOptions } from "../store.ts";
import { openPostgresStore, type PostgresStoreOptions } from "./open-postgres-store.ts";
import type { PostgresStore } from "./postgres-store.ts";
import { recordMigrations } from "./record-migrations.ts";

const migrations = [...foundationMigrations, ...recordMigrations];

/** A database of its own with the tables of records. */
export const createRecordDatabase = async (): Promise<TestDatabase> => {
  const database = await (await sharedPostgres()).createDatabase();
  await migrateDatabase(database);
  return database;
};

export const migrateDatabase = async (database: TestDatabase): Promise<void> => {
  await migrate({
    address: readDatabaseAddress(database.ownerUrl, {}),
    migrations,
    runtime: systemRuntime,
    grantTo: APP,
  });
};

export const openPool = (url: string, connectionsMax: number): PostgresPool =>
  new PostgresPool({
    address: readDatabaseAddress(url, {}),
    runtime: systemRuntime,
    times: { connectMs: 10_000, statementMs: 30_000, lockMs: 10_000, idleInTransactionMs: 60_000 },
    applicationName: "synchro test",
    role: "primary",
    allowsSuperuser: false,
    pipelines: true,
    bounds: { connectionsMax, waitMs: 10_000, waitingMax: 1_000 },
  });

/** A node over a database that has its tables. */
export const openNode = (
  database: TestDatabase,
  options: StoreOptions & Partial<PostgresStoreOptions>,
): Promise<PostgresStore> =>
  openPostgresStore({
    pool: openPool(database.appUrl, 6),
    snapshots: openPool(database.appUrl, 14),
    ...options,
  });

/** Refuses what makes the data larger than a number of bytes, with the code of a full disk. */
const boundData = async (database: TestDatabase, bytesMax: number): Promise<void> => {
  await database.sql(
    `CREATE FUNCTION synchro.bound_data() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
      BEGIN
        IF (SELECT sum(octet_length(key) + coalesce(octet_length(value), 0)) FROM synchro.records) > ${bytesMax} THEN
          RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';
        END IF;
        RETURN NULL;
      END $$`,
    `CREATE TRIGGER bound_data AFTER INSERT OR UPDATE ON synchro.records
      FOR EACH STATEMENT EXECUTE FUNCTION synchro.bound_data()`,
  );
};

/** Databases that no store uses now: one is made empty in a tenth of the time that it takes to make it. */
const free: TestDatabase[] = [];

const recordTables = "declared, spaces, erased, records, history, evidence, rejections";

const takeDatabase = async (): Promise<TestDatabase> => {
  const database = free.pop();
  if (database === undefined) return createRecordDatabase();
  await database.sql(
    `TRUNCATE ${recordTables
      .split(", ")
      .map((table) => `synchro.${table}`)
      .join(", ")}`,
    "DROP FUNCTION IF EXISTS synchro.bound_data CASCADE",
  );
  return database;
};

/** What a failover does to the name of the epoch, and an opening of a file: the data go on in another one. */
const renewLife = {
  name: "renew_life",
  text: "UPDATE synchro.database_life SET nonce = gen_random_uuid()::text",
};

/** The same pool, which whoever borrows it does not close. */
const lend = (pool: PostgresPool): PostgresPool =>
  new Proxy(pool, {
    get: (target, name) => {
      if (name === "close") return async () => {};
      const found: unknown = Reflect.get(target, name, target);
      return typeof found === "function" ? (found.bind(target) as unknown) : found;
    },
  });

/** A database, and connections that outlive its stores. */
type Ground = { readonly database: TestDatabase; readonly pool: PostgresPool };

const over = (ground: Ground, store: PostgresStore): OpenedStore => {
  let isOver = false;
  return {
    store,
    reopen: async (next, lifetime) => {
      await store.close();
      isOver = true;
      const { database, pool } = ground;
      await pool.transaction({ space: "*" }, (tx) => tx.write(renewLife));
      const pools = lifetime === "brief" ? { pool: lend(pool), snapshots: lend(pool) } : {};
      return over(ground, await openNode(database, { ...next, ...pools }));
    },
    dispose: async () => {
      await store.close();
      if (isOver) return;
      isOver = true;
      await ground.pool.close();
      free.push(ground.database);
    },
  };
};

/** Over a database of its own; the role that it is used by is held by the policies. */
export const postgresHarness: StoreHarness = {
  open: async (options, bound) => {
    const database = await takeDatabase();
    if (bound !== undefined) await boundData(database, bound.bytesMax);
    const ground = { database, pool: openPool(database.appUrl, 2) };
    return over(ground, await openNode(database, options));
  },
};
