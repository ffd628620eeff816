import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Client } from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { sharedPostgres } from "../../testing/postgres/shared-postgres.ts";
import { OWNER, PASSWORD, type TestDatabase } from "../../testing/postgres/test-database.ts";
import { type Ended, startCli } from "./cli-process.fixture.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "synchro-django-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const run = (args: readonly string[], environment = {}): Promise<Ended> =>
  startCli(args, { cwd: folder, environment }).ended;

const fromDjango = (source: string, environment = {}): Promise<Ended> =>
  run(["import", "--space", "s", "--from-django", source], environment);

const exported = async () => {
  const { stdout } = await run(["export", "--space", "s"]);
  const lines = stdout === "" ? [] : stdout.trimEnd().split("\n");
  return lines
    .map((line) => JSON.parse(line) as { key: string; updated_at: string; value: object })
    .map(({ key, updated_at, value }) => ({ key, updated_at, value }))
    .toSorted((a, b) => (a.key < b.key ? -1 : 1));
};

/** What `manage.py migrate` runs on SQLite for the origin's model. */
const DJANGO_SQLITE = `CREATE TABLE "synchro_stockreading" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "gtin" varchar(255) NOT NULL,
  "expiration_date" datetime NULL, "updated_at" datetime NULL)`;

const openOrigin = (ddl = DJANGO_SQLITE): DatabaseSync => {
  const database = new DatabaseSync(join(folder, "db.sqlite3"));
  database.exec(`CREATE TABLE "django_migrations" ("id" integer PRIMARY KEY); ${ddl}`);
  return database;
};

const insert = (database: DatabaseSync, rows: readonly (readonly (string | null)[])[]): void => {
  const statement = database.prepare(
    `INSERT INTO "synchro_stockreading" ("gtin", "updated_at", "expiration_date") VALUES (?, ?, ?)`,
  );
  database.exec("BEGIN");
  for (const row of rows) statement.run(...row);
  database.exec("COMMIT");
};

describe("from the origin's SQLite database", () => {
  test("what is not its database is refused in one line", async () => {
    const refused = async (source: string, line: RegExp): Promise<void> => {
      const { code, stdout, stderr } = await fromDjango(source);
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toMatch(line);
    };
    await refused(
      "none.sqlite3",
      /^synchro: none\.sqlite3: can't be read: there is no such file\n$/,
    );
    writeFileSync(join(folder, "text.sqlite3"), "no database".repeat(100));
    await refused(
      "text.sqlite3",
      /^synchro: text\.sqlite3: can't be read: file is not a database\n$/,
    );
    openOrigin("CREATE TABLE other (a)").close();
    await refused("db.sqlite3", /^synchro: db\.sqlite3: there is no table synchro_stockreading/);
    rmSync(join(folder, "db.sqlite3"));
    openOrigin(
      "CREATE TABLE synchro_stockreading (id integer, gtin varchar(9), updated_at datetime)",
    ).close();
    await refused(
      "db.sqlite3",
      /^synchro: db\.sqlite3: table synchro_stockreading has no column expiration_date\n$/,
    );
    expect(readdirSync(folder)).not.toContain("data");
  });

  test("its rows come with their stamps; of a gtin that stands twice the newest wins", async () => {
    const origin = openOrigin();
    insert(origin, [
      ["test_4", "2021-11-12 01:11:00", "2022-05-01 01:11:00"],
      ["04012345678901", "2021-11-12 01:11:00.000007", "2022-05-01 00:00:00"],
      ["twice", "2021-11-13 00:00:00", "2022-06-03 00:00:00"],
      ["twice", "2021-11-14 00:00:00", "2022-06-04 00:00:00"],
      ["twice", "2021-11-12 00:00:00", "2022-06-02 00:00:00"],
      ["undated", "2021-11-12 00:00:00", null],
    ]);
    origin.close();
    const { code, stdout, stderr } = await fromDjango("db.sqlite3");
    expect({ code, stdout }).toEqual({
      code: 1,
      stdout:
        "imported 6 rows into s: 4 applied, 0 unchanged, 1 superseded, 1 rejected (db.sqlite3.rejected.ndjson)\n",
    });
    expect(stderr).toBe(
      "synchro: db.sqlite3: line 6 was rejected first: expiration_date is required\n",
    );
    expect(await exported()).toEqual([
      {
        key: "04012345678901",
        updated_at: "2021-11-12T01:11:00.000007Z",
        value: { expiration_date: "2022-05-01T00:00:00Z" },
      },
      {
        key: "test_4",
        updated_at: "2021-11-12T01:11:00Z",
        value: { expiration_date: "2022-05-01T01:11:00Z" },
      },
      {
        key: "twice",
        updated_at: "2021-11-14T00:00:00Z",
        value: { expiration_date: "2022-06-04T00:00:00Z" },
      },
    ]);
  });

  test("is repeated while the application is in use: only what is newer changes", async () => {
    const origin = openOrigin();
    const rows = Array.from({ length: 2_500 }, (_, index) => [
      `gtin_${index}`,
      "2021-11-12 01:11:00",
      "2022-05-01 00:00:00",
    ]);
    insert(origin, rows);
    const before = readFileSync(join(folder, "db.sqlite3"));
    expect((await fromDjango("db.sqlite3")).stdout).toContain(": 2,500 applied, 0 unchanged");
    expect(readFileSync(join(folder, "db.sqlite3")).equals(before)).toBe(true);
    origin.exec(
      `UPDATE synchro_stockreading SET updated_at = '2021-11-13 00:00:00', expiration_date = '2022-07-01 00:00:00' WHERE gtin = 'gtin_7'`,
    );
    insert(origin, [["new", "2021-11-13 00:00:00", "2022-05-01 00:00:00"]]);
    // An application that is about to write must not be in the way of reading.
    origin.exec("BEGIN IMMEDIATE");
    expect((await fromDjango("db.sqlite3")).stdout).toBe(
      "imported 2,501 rows into s: 2 applied, 2,499 unchanged, 0 superseded, 0 rejected\n",
    );
    origin.exec("COMMIT");
    origin.close();
  });
});

/** What `manage.py migrate` runs on PostgreSQL for the origin's model. */
const DJANGO_POSTGRES = `CREATE TABLE "synchro_stockreading" (
  "id" bigserial NOT NULL PRIMARY KEY, "gtin" varchar(255) NOT NULL,
  "expiration_date" timestamp with time zone NULL, "updated_at" timestamp with time zone NULL)`;

describe("from the origin's PostgreSQL database", () => {
  let database: TestDatabase;
  let origin: Client;

  beforeAll(async () => {
    database = await (await sharedPostgres()).createDatabase();
    origin = new Client({ connectionString: database.ownerUrl });
    await origin.connect();
    // The session of the tests is in another zone than the dates that it must not alter.
    await database.sql(
      `ALTER DATABASE ${database.name} SET timezone = 'Asia/Tokyo'`,
      `ALTER DATABASE ${database.name} OWNER TO synchro_owner`,
      "GRANT ALL ON SCHEMA public TO synchro_owner",
    );
  }, 120_000);

  afterAll(async () => {
    await origin?.end();
    await database?.drop();
  });

  beforeEach(async () => {
    await origin.query('DROP TABLE IF EXISTS "synchro_stockreading"');
  });

  const url = (password = `:${encodeURIComponent(PASSWORD)}`): string =>
    `postgres://${OWNER}${password}@127.0.0.1:${database.place.port}/${database.name}`;

  test("what can't be read is one line, and the password stands in none", async () => {
    const refused = async (source: string, line: RegExp, environment = {}): Promise<void> => {
      const { code, stdout, stderr } = await fromDjango(source, environment);
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toMatch(/^[^\n]+\n$/);
      expect(stderr).toMatch(line);
      for (const secret of [PASSWORD, encodeURIComponent(PASSWORD), "canary"]) {
        expect(stderr).not.toContain(secret);
      }
    };
    const shown = `synchro: postgres://127\\.0\\.0\\.1:${database.place.port}/${database.name}: `;
    await refused(url(), new RegExp(`^${shown}there is no table synchro_stockreading`));
    await origin.query("CREATE TABLE synchro_stockreading (gtin text, expiration_date date)");
    await refused(
      url(),
      new RegExp(`^${shown}table synchro_stockreading has no column updated_at`),
    );
    await refused(url(":canary-wrong"), /password authentication failed/);
    await refused(url(""), /password authentication failed/, { PGPASSWORD: "canary-wrong" });
    await refused(
      `postgres://origin:canary-closed@127.0.0.1:1/postgres`,
      /^synchro: postgres:\/\/127\.0\.0\.1:1\/postgres: can't be read: [^\n]*ECONNREFUSED/,
    );
    await refused("postgres://origin:canary%@[", /^synchro: postgres:\/\/…: can't be read: /);
    expect(readdirSync(folder)).not.toContain("data");
  });

  test("its rows come in UTC to the microsecond, more than one page of them", async () => {
    await origin.query(DJANGO_POSTGRES);
    await origin.query(`INSERT INTO synchro_stockreading (gtin, updated_at, expiration_date)
      SELECT 'gtin_' || i, '2021-11-12 01:11:00Z', '2022-05-01 00:00:00Z' FROM generate_series(1, 2500) i`);
    await origin.query(`INSERT INTO synchro_stockreading (gtin, updated_at, expiration_date) VALUES
      ('a', '2021-11-12 10:11:00.000007+09', '2022-05-01 00:00:00+02'), ('a', '2021-11-12 00:00:00Z', NULL),
      ('b', 'infinity', '2022-05-01 00:00:00Z')`);
    const { stdout } = await fromDjango(url());
    expect(stdout).toBe(
      "imported 2,503 rows into s: 2,501 applied, 0 unchanged, 0 superseded, 2 rejected (import.rejected.ndjson)\n",
    );
    expect((await exported())[0]).toEqual({
      key: "a",
      updated_at: "2021-11-12T01:11:00.000007Z",
      value: { expiration_date: "2022-04-30T22:00:00Z" },
    });
    await origin.query(
      "UPDATE synchro_stockreading SET updated_at = '2021-12-01Z' WHERE gtin = 'gtin_7'",
    );
    const again = await fromDjango(url(""), { PGPASSWORD: PASSWORD });
    expect(again.stdout).toContain(": 1 applied, 2,500 unchanged, 0 superseded, 2 rejected");
  });

  test("a date without a time stays one, and a time without a zone is in UTC", async () => {
    await origin.query(
      "CREATE TABLE synchro_stockreading (gtin varchar(99), expiration_date date, updated_at timestamp)",
    );
    await origin.query(
      "INSERT INTO synchro_stockreading VALUES ('a', '2022-05-01', '2021-11-12 01:11:00.5')",
    );
    expect((await fromDjango(url())).code).toBe(0);
    expect(await exported()).toEqual([
      {
        key: "a",
        updated_at: "2021-11-12T01:11:00.500000Z",
        value: { expiration_date: "2022-05-01" },
      },
    ]);
  });
});
