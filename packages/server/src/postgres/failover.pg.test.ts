import type { SpaceId } from "@synchro/core";
import { afterEach, describe, expect, test } from "vitest";
import { migrateTestDatabase, openTestPool } from "../../testing/postgres/open-pool.ts";
import { startPostgres, type TestPostgres } from "../../testing/postgres/start-postgres.ts";
import { setSynchronous, startReplica } from "../../testing/postgres/start-replica.ts";
import { databaseAt, type TestDatabase } from "../../testing/postgres/test-database.ts";
import { StoreUnavailableError } from "../store/store-unavailable-error.ts";
import { systemRuntime } from "../system-runtime.ts";
import { epochOf, LIFE_SQL } from "./database-epoch.ts";
import { foundationMigrations } from "./foundation-migrations.ts";
import type { Migration } from "./migration.ts";
import type { PostgresPool } from "./postgres-pool.ts";
import { spaceTable } from "./space-policy.ts";

const notes: Migration = {
  number: 100,
  name: "notes",
  statements: ["CREATE TABLE synchro.notes (space text, n int)", ...spaceTable("notes", "space")],
};

const shop = { space: "shop-1" as SpaceId };
const insert = { name: "insert", text: "INSERT INTO synchro.notes VALUES ($1, $2)" };
const list = { name: "list", text: "SELECT n FROM synchro.notes ORDER BY n" };
const life = { name: "life", text: `SELECT ${LIFE_SQL}` };

const servers: TestPostgres[] = [];
const pools: PostgresPool[] = [];

afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.close();
  for (const server of servers.splice(0)) await server.dispose();
});

const start = async () => {
  const primary = await startPostgres();
  servers.push(primary);
  const database = await primary.createDatabase();
  await migrateTestDatabase(database, [...foundationMigrations, notes]);
  const replica = await startReplica(primary);
  servers.push(replica);
  await replica.catchUp();
  return { primary, replica, database, copy: databaseAt(replica, database.name) };
};

const open = async (database: TestDatabase, role: "primary" | "replica" = "primary") => {
  const pool = await openTestPool(database.appUrl, { role });
  pools.push(pool);
  return pool;
};

const write = (pool: PostgresPool, n: number) =>
  pool.transaction(shop, (tx) => tx.write(insert, [shop.space, n]));

const numbers = (pool: PostgresPool) =>
  pool.read(shop, async ({ read }) => (await read<[number]>(list)).map(([n]) => n));

const epoch = (pool: PostgresPool) =>
  pool.read({ space: "*" }, async ({ read, identity }) => {
    const [row] = await read<[string]>(life);
    return epochOf(identity, row?.[0] ?? "", systemRuntime);
  });

describe("a replica", () => {
  test("is refused where the primary must be, and answers as far as it has come", async () => {
    const { replica, database, copy } = await start();
    await expect(open(copy)).rejects.toThrow("it is a replica: only the primary takes changes");
    const [pool, reads] = [await open(database), await open(copy, "replica")];
    await replica.pauseReplay();
    await write(pool, 1);
    expect(await numbers(reads)).toEqual([]);
    await replica.resumeReplay();
    await replica.catchUp();
    expect(await numbers(reads)).toEqual([1]);
    await replica.delayReplay(1_500);
    await write(pool, 2);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await numbers(reads)).toEqual([1]);
    await replica.catchUp();
    expect(await numbers(reads)).toEqual([1, 2]);
    await expect(write(reads, 3)).rejects.toThrow("read-write mode during recovery");
  });
});

describe("the epoch's name", () => {
  test("[EPOCH-5] is the same on every connection, after a restart and a kill, and another after a promotion", async () => {
    const { primary, replica, database, copy } = await start();
    const before = await epoch(await open(database));
    expect(before).toMatch(/^[0-9a-f]{20}$/);
    expect(await epoch(await open(database))).toBe(before);
    for (const how of ["fast", "kill"] as const) {
      await primary.stop(how);
      await primary.start();
      expect(await epoch(await open(database))).toBe(before);
    }
    await primary.stop("kill");
    await replica.promote();
    expect(await epoch(await open(copy))).not.toBe(before);
  });

  test("[EPOCH-5] is another after a dump was read back, into the same database too, and with each nonce", async () => {
    const { database } = await start();
    const pool = await open(database);
    const seen = [await epoch(pool)];
    await database.sql(
      "ALTER TABLE synchro.database_life RENAME TO old",
      "CREATE TABLE synchro.database_life AS TABLE synchro.old",
      "GRANT SELECT ON synchro.database_life TO synchro_app",
    );
    // On a connection that was open before, and so is a node's.
    seen.push(await epoch(pool));
    await database.sql("UPDATE synchro.database_life SET nonce = 'another'");
    seen.push(await epoch(pool));
    expect(new Set(seen).size).toBe(3);
  });
});

test("with a synchronous standby everything acknowledged is on it when the primary is killed", async () => {
  const { primary, replica, database, copy } = await start();
  await setSynchronous(primary, "replica");
  const pool = await open(database);
  const acknowledged: number[] = [];
  const killing = new AbortController();
  const writers = [0, 1, 2, 3].map(async (writer) => {
    for (let n = writer; !killing.signal.aborted && n < 100_000; n += 4) {
      const outcome = await write(pool, n).catch((error: unknown) => error);
      if (outcome instanceof StoreUnavailableError) return;
      acknowledged.push(n);
    }
  });
  await expect.poll(() => acknowledged.length, { timeout: 20_000 }).toBeGreaterThan(50);
  await primary.stop("kill");
  killing.abort();
  await Promise.all(writers);
  await replica.promote();
  const kept = new Set(await numbers(await open(copy)));
  expect(acknowledged.filter((n) => !kept.has(n))).toEqual([]);
});
