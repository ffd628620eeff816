import type { SpaceId } from "@synchro/core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { openTestPool, testPoolOptions } from "../../testing/postgres/open-pool.ts";
import { sharedPostgres } from "../../testing/postgres/shared-postgres.ts";
import { startPostgres, type TestPostgres } from "../../testing/postgres/start-postgres.ts";
import type { TestDatabase } from "../../testing/postgres/test-database.ts";
import { StoreUnavailableError } from "../store/store-unavailable-error.ts";
import { openConnection } from "./postgres-connection.ts";
import type { PostgresPool, PostgresPoolOptions } from "./postgres-pool.ts";
import { beginTransaction } from "./postgres-transaction.ts";
import { EVERY_SPACE, spaceTable } from "./space-policy.ts";
import type { Statement } from "./statement.ts";

const shop = { space: "shop-1" as SpaceId };
const other = { space: "shop-2" as SpaceId };

let statements = 0;
const sql = (text: string): Statement => {
  statements += 1;
  return { name: `t${statements}`, text };
};

const insert = sql("INSERT INTO synchro.notes (space, text) VALUES ($1, $2)");
const list = sql("SELECT text FROM synchro.notes ORDER BY text");
const times = { connectMs: 5_000, statementMs: 5_000, lockMs: 300, idleInTransactionMs: 5_000 };

const SCHEMA = [
  "CREATE SCHEMA synchro AUTHORIZATION synchro_owner",
  "CREATE TABLE synchro.notes (space text, text text)",
  "ALTER TABLE synchro.notes OWNER TO synchro_owner",
  ...spaceTable("notes", "space"),
  "GRANT USAGE ON SCHEMA synchro TO synchro_app",
  "GRANT SELECT, INSERT, UPDATE, DELETE ON synchro.notes TO synchro_app",
];

const pools: PostgresPool[] = [];
const open = async (url: string, more: Partial<PostgresPoolOptions> = {}) => {
  const pool = await openTestPool(url, { times, ...more });
  pools.push(pool);
  return pool;
};

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
});

const reasonOf = async (call: Promise<unknown>): Promise<string> => {
  const error: unknown = await call.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  return error instanceof StoreUnavailableError ? error.reason : String(error);
};

const write = (pool: PostgresPool, text: string, scope = shop) =>
  pool.transaction(scope, ({ write: run }) => run(insert, [scope.space, text]));

const texts = (pool: PostgresPool, scope: Parameters<PostgresPool["read"]>[0] = shop) =>
  pool.read(scope, async ({ read }) => (await read<[string]>(list)).map(([text]) => text));

describe("on a server that goes on", () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await (await sharedPostgres()).createDatabase();
    await database.sql(...SCHEMA);
  });

  afterAll(() => database.drop());

  afterEach(() => database.sql("TRUNCATE synchro.notes"));

  describe("a transaction", () => {
    test("that fails leaves nothing, and its connection serves the next", async () => {
      const pool = await open(database.appUrl, {
        bounds: { connectionsMax: 1, waitMs: 500, waitingMax: 9 },
      });
      const failed = pool.transaction(shop, async ({ write: run }) => {
        await run(insert, [shop.space, "half"]);
        throw new RangeError("a defect");
      });
      await expect(failed).rejects.toThrow(RangeError);
      await expect(
        write(pool, "x").then(() => pool.transaction(shop, ({ read }) => read(sql("SELECT 1/0")))),
      ).rejects.toThrow("division by zero");
      expect(await texts(pool)).toEqual(["x"]);
      await expect.poll(() => pool.figures()).toEqual({ open: 1, idle: 1, waiting: 0 });
    });

    test("of which a statement failed is not committed, even if nobody noticed", async () => {
      const pool = await open(database.appUrl);
      const outcome = pool.transaction(shop, async ({ read, write: run }) => {
        await run(insert, [shop.space, "half"]);
        await read(sql("SELECT 1/0")).catch(() => {});
      });
      await expect(outcome).rejects.toThrow("rolled back");
      expect(await texts(pool)).toEqual([]);
    });

    test("goes on without an attempt that failed", async () => {
      const pool = await open(database.appUrl);
      await pool.transaction(shop, async ({ attempt, write: run }) => {
        await attempt(() => run(insert, [shop.space, "a"]));
        const failed = attempt(async () => {
          await run(insert, [shop.space, "b"]);
          await run(sql("SELECT 1/0"));
        });
        await expect(failed).rejects.toThrow("division by zero");
        await attempt(() => run(insert, [shop.space, "c"]));
      });
      expect(await texts(pool)).toEqual(["a", "c"]);
    });

    test("locks in one statement and reads in a later one, and sees what was committed between", async () => {
      const pool = await open(database.appUrl);
      await write(pool, "counter");
      const lock = sql("SELECT text FROM synchro.notes WHERE text = 'counter' FOR UPDATE");
      const { promise: held, resolve: isHeld } = Promise.withResolvers<void>();
      const { promise: released, resolve: release } = Promise.withResolvers<void>();
      const first = pool.transaction(shop, async ({ read, write: run }) => {
        await read(lock);
        isHeld();
        await run(insert, [shop.space, "by the first"]);
        await released;
      });
      await held;
      const second = pool.transaction(shop, ({ read }) =>
        Promise.all([read(lock), read<[string]>(list)]),
      );
      await new Promise((resolve) => setTimeout(resolve, 50));
      release();
      await first;
      const outcome = await second;
      expect(outcome.kind === "committed" && outcome.result[1].flat()).toEqual([
        "by the first",
        "counter",
      ]);
    });

    test("that waits for a lock for long is told that all is busy, and leaves nothing", async () => {
      const pool = await open(database.appUrl);
      await write(pool, "x");
      const touch = sql("UPDATE synchro.notes SET text = text");
      await pool.transaction(shop, async ({ write: run }) => {
        await run(touch);
        expect(await reasonOf(pool.transaction(shop, (it) => it.write(touch)))).toBe("busy");
      });
      expect((await pool.transaction(shop, (it) => it.write(touch))).kind).toBe("committed");
    });

    test("whose statement takes too long is cancelled", async () => {
      const pool = await open(database.appUrl, { times: { ...times, statementMs: 200 } });
      const slow = pool.read(shop, ({ read }) => read(sql("SELECT pg_sleep(9)::text")));
      expect(await reasonOf(slow)).toBe("busy");
      expect(await texts(pool)).toEqual([]);
    });

    test("that does nothing for too long is ended by the server", async () => {
      const pool = await open(database.appUrl, { times: { ...times, idleInTransactionMs: 100 } });
      const idle = pool.transaction(shop, async ({ write: run }) => {
        await run(insert, [shop.space, "half"]);
        await new Promise((resolve) => setTimeout(resolve, 400));
      });
      expect(await reasonOf(idle)).toBe("unknown");
      expect(await texts(pool)).toEqual([]);
    });

    test("that dies of a deadlock leaves nothing, and the other one stands", async () => {
      const pool = await open(database.appUrl, { times: { ...times, lockMs: 4_000 } });
      await write(pool, "a");
      await write(pool, "b");
      const touch = sql("UPDATE synchro.notes SET text = text WHERE text = $1");
      const cross = async (one: string, two: string) =>
        pool.transaction(shop, async ({ write: run }) => {
          await run(touch, [one]);
          await new Promise((resolve) => setTimeout(resolve, 100));
          await run(touch, [two]);
        });
      const ends = await Promise.allSettled([cross("a", "b"), cross("b", "a")]);
      expect(ends.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
      const refused = ends.find((end) => end.status === "rejected");
      expect(refused?.reason).toMatchObject({ name: "StoreUnavailableError", reason: "busy" });
    });
  });

  describe("a snapshot", () => {
    test("is of one moment, and can't write", async () => {
      const pool = await open(database.appUrl);
      await write(pool, "a");
      const snapshot = await pool.openSnapshot(shop);
      await write(pool, "b");
      expect(await snapshot.read(list)).toEqual([["a"]]);
      expect(await texts(pool)).toEqual(["a", "b"]);
      await expect(snapshot.read(insert, [shop.space, "c"])).rejects.toThrow("read-only");
      await Promise.all([snapshot.close(), snapshot.close()]);
      expect(await texts(pool)).toEqual(["a", "b"]);
    });

    test("takes its connection for as long as it lasts", async () => {
      const pool = await open(database.appUrl, {
        bounds: { connectionsMax: 1, waitMs: 100, waitingMax: 9 },
      });
      const snapshot = await pool.openSnapshot(shop);
      expect(await reasonOf(texts(pool))).toBe("busy");
      await snapshot.close();
      expect(await texts(pool)).toEqual([]);
    });
  });

  describe("the pool", () => {
    test("never opens more than its bound; whoever waits too long, or waits behind too many, is told so", async () => {
      const waited: number[] = [];
      const pool = await open(database.appUrl, {
        bounds: { connectionsMax: 2, waitMs: 200, waitingMax: 3 },
        onWaited: (ms) => waited.push(ms),
      });
      const { promise: released, resolve: release } = Promise.withResolvers<void>();
      const holders = [1, 2].map(() =>
        pool.transaction(shop, async ({ read }) => {
          await read(list);
          await released;
        }),
      );
      await expect.poll(() => pool.figures()).toEqual({ open: 2, idle: 0, waiting: 0 });
      const start = performance.now();
      const calls = [1, 2, 3, 4].map(() => reasonOf(texts(pool)));
      expect(pool.figures().waiting).toBe(3);
      expect(await calls[3]).toBe("busy");
      expect(performance.now() - start).toBeLessThan(150);
      expect(await Promise.all(calls)).toEqual(["busy", "busy", "busy", "busy"]);
      expect(performance.now() - start).toBeLessThan(2_000);
      const served = [1, 2, 3].map(() => texts(pool));
      release();
      expect(await Promise.all(served)).toEqual([[], [], []]);
      await Promise.all(holders);
      expect(pool.figures().open).toBe(2);
      expect(waited).toHaveLength(5);
      const rows = await database.sql(
        `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND usename = 'synchro_app'`,
      );
      expect(rows).toEqual([{ n: 2 }]);
    });

    test("does not lend out a connection that the server ended meanwhile", async () => {
      const pool = await open(database.appUrl);
      await write(pool, "a");
      await database.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'synchro_app'",
      );
      await expect.poll(() => pool.figures().open).toBe(0);
      expect(await texts(pool)).toEqual(["a"]);
    });

    test("closing waits for what has begun and refuses what comes", async () => {
      const pool = await open(database.appUrl);
      const slow = pool.read(shop, ({ read }) => read(sql("SELECT pg_sleep(0.2)::text")));
      await expect.poll(() => pool.figures()).toEqual({ open: 1, idle: 0, waiting: 0 });
      await Promise.all([pool.close(), pool.close()]);
      expect(pool.figures()).toEqual({ open: 0, idle: 0, waiting: 0 });
      expect(await slow).toEqual([[""]]);
      await expect(texts(pool)).rejects.toThrow("closed");
    });
  });

  describe("row-level security", () => {
    test("[TENANT] a query that forgets its space sees its own space's rows alone", async () => {
      for (const url of [database.appUrl, database.ownerUrl]) {
        const pool = await open(url);
        await write(pool, "mine");
        await write(pool, "theirs", other);
        expect(await texts(pool)).toEqual(["mine"]);
        expect(await texts(pool, other)).toEqual(["theirs"]);
        expect(await texts(pool, { space: EVERY_SPACE })).toEqual(["mine", "theirs"]);
        const remove = sql("DELETE FROM synchro.notes");
        const gone = await pool.transaction(shop, ({ write: run }) => run(remove));
        expect(gone).toMatchObject({ kind: "committed", result: { count: 1 } });
        expect(await texts(pool, { space: EVERY_SPACE })).toEqual(["theirs"]);
        await database.sql("TRUNCATE synchro.notes");
      }
    });

    test("[TENANT] a transaction of one space can't write a row of another, or move one there", async () => {
      const pool = await open(database.appUrl);
      await write(pool, "mine");
      const foreign = pool.transaction(shop, ({ write: run }) => run(insert, [other.space, "x"]));
      await expect(foreign).rejects.toThrow("row-level security");
      const move = sql("UPDATE synchro.notes SET space = 'shop-2'");
      await expect(pool.transaction(shop, ({ write: run }) => run(move))).rejects.toThrow(
        "row-level security",
      );
      expect(await texts(pool, other)).toEqual([]);
    });

    test("[TENANT] without a space nothing is seen, also on a connection that had one before", async () => {
      const pool = await open(database.appUrl, {
        bounds: { connectionsMax: 1, waitMs: 500, waitingMax: 9 },
      });
      await write(pool, "mine");
      expect(await texts(pool, { space: "" as SpaceId })).toEqual([]);
      const connection = await openConnection(testPoolOptions(database.appUrl));
      const of = { isolation: "read committed", space: shop.space } as const;
      const transaction = beginTransaction(connection, of);
      expect(await transaction.read(list)).toEqual([["mine"]]);
      await transaction.command("COMMIT");
      expect((await connection.client.query("TABLE synchro.notes")).rows).toEqual([]);
      connection.destroy();
      const rows = await database.sql("SET ROLE synchro_app", "TABLE synchro.notes");
      expect(rows).toEqual([]);
    });

    test("a space's name is data, whatever stands in it", async () => {
      const pool = await open(database.appUrl);
      const hostile = { space: "x'; DROP TABLE synchro.notes; --\\" as SpaceId };
      await write(pool, "theirs", hostile);
      expect(await texts(pool, hostile)).toEqual(["theirs"]);
      expect(await texts(pool)).toEqual([]);
    });
  });
});

describe("on a server that goes away", () => {
  let server: TestPostgres;
  let database: TestDatabase;

  beforeAll(async () => {
    server = await startPostgres();
    database = await server.createDatabase();
    await database.sql(...SCHEMA);
  });

  afterAll(() => server.dispose());

  test.each(["fast", "kill"] as const)(
    "(%s) in the middle of a transaction: nothing of it stands, and the pool serves again",
    async (how) => {
      const pool = await open(database.appUrl);
      const cut = pool.transaction(shop, async ({ read, write: run }) => {
        await run(insert, [shop.space, `half ${how}`]);
        await server.stop(how);
        await read(list);
      });
      expect(await reasonOf(cut)).toBe("lost");
      expect(await reasonOf(texts(pool))).toBe("lost");
      await server.start();
      expect(await texts(pool)).toEqual([]);
      expect((await write(pool, "after")).kind).toBe("committed");
      await database.sql("TRUNCATE synchro.notes");
    },
  );

  test("between the work and its commit: nobody knows, and nobody is told that it stands", async () => {
    const pool = await open(database.appUrl);
    const cut = pool.transaction(shop, async ({ write: run }) => {
      await run(insert, [shop.space, "unknown"]);
      await server.stop("kill");
    });
    expect(await reasonOf(cut)).toMatch(/^(?:unknown|lost)$/);
    await server.start();
    expect(await texts(pool)).toEqual([]);
  });

  test("a commit that no synchronous standby has confirmed is not acknowledged, nor one that repeats it", async () => {
    const pool = await open(database.appUrl);
    await write(pool, "before");
    await server.sql(
      "ALTER SYSTEM SET synchronous_standby_names = 'nobody'",
      "SELECT pg_reload_conf()",
    );
    await expect
      .poll(() => server.sql("SHOW synchronous_standby_names"))
      .toEqual([{ synchronous_standby_names: "nobody" }]);
    const cancelWait = async (): Promise<void> => {
      await expect
        .poll(() =>
          server.sql(
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'",
          ),
        )
        .toHaveLength(1);
    };
    const alone = reasonOf(write(pool, "alone"));
    await cancelWait();
    expect(await alone).toBe("unknown");
    // It stands on the primary. The same again must not be taken for safe, though it changes nothing.
    expect(await texts(pool)).toEqual(["alone", "before"]);
    const lock = sql("SELECT text FROM synchro.notes FOR UPDATE");
    const again = reasonOf(pool.transaction(shop, ({ read }) => read(lock)));
    await cancelWait();
    expect(await again).toBe("unknown");
    // Nor is it for whoever gives up waiting.
    const deaf = await open(database.appUrl, { times: { ...times, statementMs: 300 } });
    expect(await reasonOf(write(deaf, "unheard"))).toBe("unknown");
    await server.sql("ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()");
    await expect.poll(async () => reasonOf(write(pool, "again"))).toBe("null");
  });

  test("a disk that is full is told as such", async () => {
    const pool = await open(database.appUrl);
    await database.sql(
      `CREATE FUNCTION synchro.fail() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$`,
      "CREATE TRIGGER fail BEFORE INSERT ON synchro.notes EXECUTE FUNCTION synchro.fail()",
    );
    expect(await write(pool, "x")).toEqual({ kind: "full" });
    await database.sql(
      "DROP TRIGGER fail ON synchro.notes",
      "CREATE CONSTRAINT TRIGGER fail AFTER INSERT ON synchro.notes DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION synchro.fail()",
    );
    expect(await write(pool, "at the commit")).toEqual({ kind: "full" });
    await database.sql("DROP TRIGGER fail ON synchro.notes");
    expect((await write(pool, "y")).kind).toBe("committed");
  });
});
