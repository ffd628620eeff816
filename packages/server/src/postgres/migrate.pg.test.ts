import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openTestPool } from "../../testing/postgres/open-pool.ts";
import { sharedPostgres } from "../../testing/postgres/shared-postgres.ts";
import { APP, type TestDatabase } from "../../testing/postgres/test-database.ts";
import { systemRuntime } from "../system-runtime.ts";
import { readDatabaseAddress } from "./database-address.ts";
import { migrate } from "./migrate.ts";
import type { Migration } from "./migration.ts";
import { hasPendingMigrations } from "./migration-state.ts";

const one: Migration = { number: 1, name: "one", statements: ["CREATE TABLE synchro.one (a int)"] };
const two: Migration = {
  number: 2,
  name: "two",
  statements: ["CREATE TABLE synchro.two (a int)", "ALTER TABLE synchro.one ADD b int"],
};

let database: TestDatabase;

beforeEach(async () => {
  database = await (await sharedPostgres()).createDatabase();
});

afterEach(() => database.drop());

const run = (
  migrations: readonly Migration[],
  url = database.ownerUrl,
  grantTo: string | null = null,
) =>
  migrate({ address: readDatabaseAddress(url, {}), migrations, runtime: systemRuntime, grantTo });

const refusal = async (call: Promise<unknown>): Promise<string> => {
  const error: unknown = await call.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Error) || error.name !== "DatabaseRefusedError") throw error;
  expect(error.message).not.toMatch(/canary|\n/);
  return error.message;
};

const tables = async () =>
  (
    await database.sql(
      "SELECT tablename AS t FROM pg_tables WHERE schemaname = 'synchro' ORDER BY 1",
    )
  ).map(({ t }) => t);

describe("is refused in one line where", () => {
  test("the server, the database, the user or the password is not right", async () => {
    const shown = `postgres://127.0.0.1:${database.place.port}/${database.name}: can't be opened: `;
    const wrong = database.ownerUrl.replace(/canary[^@]*/, "canary-wrong");
    expect(await refusal(run([one], wrong))).toBe(
      `${shown}password authentication failed for user "synchro_owner"`,
    );
    const absent = database.ownerUrl.replace(database.name, "nothing_here");
    expect(await refusal(run([one], absent))).toContain('database "nothing_here" does not exist');
    const closed = database.ownerUrl.replace(`:${database.place.port}/`, ":1/");
    expect(await refusal(run([one], closed))).toContain("ECONNREFUSED");
  });

  test("the role may not make tables", async () => {
    expect(await refusal(run([one], database.appUrl))).toContain("permission denied");
    expect(await tables()).toEqual([]);
  });

  test("a newer program has been at work", async () => {
    await run([one, two]);
    expect(await refusal(run([one]))).toContain("migrated by a newer synchro (step 2)");
    const pool = await openTestPool(database.superUrl, { allowsSuperuser: true });
    expect(await refusal(hasPendingMigrations(pool, [one]))).toContain("newer synchro");
    await pool.close();
  });

  test("the servers' role does not exist; what was made until then stands", async () => {
    expect(await refusal(run([one], database.ownerUrl, "nobody"))).toContain("no role nobody");
    expect(await tables()).toEqual(["migrations", "one"]);
  });
});

test("a step that fails stands not at all, those before it stand, and it is run again", async () => {
  const bad: Migration = { ...two, statements: [...two.statements, "SELECT 1 / 0"] };
  expect(await refusal(run([one, bad]))).toContain("division by zero");
  expect(await tables()).toEqual(["migrations", "one"]);
  expect(await run([one, two])).toEqual({ from: 1, to: 2 });
  expect(await run([one, two])).toEqual({ from: 2, to: 2 });
  expect(await tables()).toEqual(["migrations", "one", "two"]);
});

test("several processes at once: each step runs once, and all of them succeed", async () => {
  const slow: Migration = { ...one, statements: [...one.statements, "SELECT pg_sleep(0.3)"] };
  const outcomes = await Promise.all([1, 2, 3, 4].map(() => run([slow, two])));
  expect(outcomes.map(({ from }) => from).toSorted((a, b) => a - b)).toEqual([0, 2, 2, 2]);
  expect(await database.sql("SELECT number FROM synchro.migrations")).toHaveLength(2);
});

test("a table that a server holds for long: the step lets others through meanwhile, and comes after", async () => {
  await run([one]);
  const pool = await openTestPool(database.superUrl, { allowsSuperuser: true });
  let ended = false;
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const holder = pool.transaction({ space: "*" }, async ({ write }) => {
    await write({ name: "hold", text: "INSERT INTO synchro.one VALUES (1)" });
    await released;
  });
  await expect.poll(() => pool.figures().idle).toBe(0);
  const migrating = run([one, two]).finally(() => {
    ended = true;
  });
  // Others write to the table all the while: none waits for longer than one attempt of the step.
  let slowest = 0;
  for (const start = performance.now(); performance.now() - start < 3_000;) {
    const before = performance.now();
    await database.sql("INSERT INTO synchro.one (a) VALUES (2)");
    slowest = Math.max(slowest, performance.now() - before);
  }
  expect(slowest).toBeLessThan(2_000);
  expect(ended).toBe(false);
  release();
  await holder;
  expect(await migrating).toEqual({ from: 1, to: 2 });
  await pool.close();
});

test("the servers' role gets what it needs and no more, also of tables that come later", async () => {
  const audit: Migration = {
    number: 3,
    name: "audit",
    statements: ["CREATE TABLE synchro.audit (n bigint GENERATED ALWAYS AS IDENTITY, a int)"],
  };
  await run([one], database.ownerUrl, APP);
  await run([one, two, audit], database.ownerUrl, APP);
  const pool = await openTestPool(database.appUrl);
  let statements = 0;
  const may = async (text: string): Promise<string> => {
    statements += 1;
    const statement = { name: `m${statements}`, text };
    const outcome = await pool
      .transaction({ space: "*" }, ({ write }) => write(statement))
      .catch((error: unknown) => String(error));
    return typeof outcome === "string" ? outcome : outcome.kind;
  };
  for (const text of [
    "INSERT INTO synchro.two VALUES (1)",
    "UPDATE synchro.two SET a = 2",
    "DELETE FROM synchro.two",
    "INSERT INTO synchro.audit (a) VALUES (1)",
  ]) {
    expect(await may(text)).toBe("committed");
  }
  for (const text of [
    "UPDATE synchro.audit SET a = 2",
    "DELETE FROM synchro.audit",
    "TRUNCATE synchro.audit",
    "TRUNCATE synchro.one",
    "DROP TABLE synchro.one",
    "ALTER TABLE synchro.one DISABLE ROW LEVEL SECURITY",
    "CREATE TABLE synchro.mine (a int)",
    "INSERT INTO synchro.migrations VALUES (9, 'x')",
  ]) {
    expect(await may(text)).toMatch(/permission denied|must be owner/);
  }
  await pool.close();
});

test("a database lacks steps before the first, and until the last", async () => {
  await run([]);
  const pool = await openTestPool(database.superUrl, { allowsSuperuser: true });
  await database.sql("DROP SCHEMA synchro CASCADE");
  expect(await hasPendingMigrations(pool, [one])).toBe(true);
  await run([one]);
  expect(await hasPendingMigrations(pool, [one])).toBe(false);
  expect(await hasPendingMigrations(pool, [one, two])).toBe(true);
  await pool.close();
});
