import { type AddressInfo, createServer, type Socket } from "node:net";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openTestPool } from "../../testing/postgres/open-pool.ts";
import { startPostgres, type TestPostgres } from "../../testing/postgres/start-postgres.ts";
import type { TestDatabase } from "../../testing/postgres/test-database.ts";
import { StoreUnavailableError } from "../store/store-unavailable-error.ts";
import type { PostgresPoolOptions } from "./postgres-pool.ts";

let server: TestPostgres;
let database: TestDatabase;

beforeAll(async () => {
  server = await startPostgres();
  database = await server.createDatabase();
});

afterAll(() => server.dispose());

const refusal = async (url: string, more: Partial<PostgresPoolOptions> = {}): Promise<string> => {
  const error: unknown = await openTestPool(url, more).then(
    async (pool) => pool.close(),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Error) || error.name !== "DatabaseRefusedError") throw error;
  expect(error.message).not.toMatch(/canary|\n/);
  return error.message;
};

describe("a database is refused in one line where", () => {
  test("the role is above row-level security, unless that is wanted", async () => {
    expect(await refusal(database.superUrl)).toMatch(/postgres is a superuser or passes row-level/);
    await server.sql("CREATE ROLE passes LOGIN BYPASSRLS");
    const url = database.superUrl.replace("postgres@", "passes@");
    expect(await refusal(url)).toMatch(/passes is a superuser or passes row-level security/);
    await (await openTestPool(url, { allowsSuperuser: true })).close();
  });

  test("its server is too old: one that says so", async () => {
    // Speaks as much of the protocol as the question for the version needs.
    const old = createServer((socket: Socket) => {
      const message = (type: string, ...parts: readonly Buffer[]): Buffer => {
        const body = Buffer.concat(parts);
        const head = Buffer.alloc(5);
        head.write(type);
        head.writeInt32BE(body.length + 4, 1);
        return Buffer.concat([head, body]);
      };
      const int = (value: number, bytes: number): Buffer => {
        const buffer = Buffer.alloc(bytes);
        buffer.writeIntBE(value, 0, bytes);
        return buffer;
      };
      const ready = message("Z", Buffer.from("I"));
      let isStarted = false;
      socket.on("error", () => {});
      socket.on("data", () => {
        if (!isStarted) {
          isStarted = true;
          socket.write(Buffer.concat([message("R", int(0, 4)), ready]));
          return;
        }
        const column = [int(0, 4), int(0, 2), int(25, 4), int(-1, 2), int(-1, 4), int(0, 2)];
        const text = Buffer.from("120022");
        socket.write(
          Buffer.concat([
            message("T", int(1, 2), Buffer.from("server_version_num\0"), ...column),
            message("D", int(1, 2), int(text.length, 4), text),
            message("C", Buffer.from("SHOW\0")),
            ready,
          ]),
        );
      });
    }).listen(0, "127.0.0.1");
    await once(old, "listening");
    const { port } = old.address() as AddressInfo;
    expect(await refusal(`postgres://a:canary@127.0.0.1:${port}/b`)).toBe(
      `postgres://127.0.0.1:${port}/b: its PostgreSQL is version 12: 15 or later is needed`,
    );
    old.close();
  });

  test("nobody answers at its address", async () => {
    const silent = createServer(() => {}).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    const times = { connectMs: 200, statementMs: 0, lockMs: 0, idleInTransactionMs: 0 };
    const line = await refusal(`postgres://a:canary@127.0.0.1:${port}/b`, { times });
    expect(line).toMatch(/can't be opened: timeout expired/);
    silent.close();
  });
});

describe("a session", () => {
  test("keeps numbers as numbers, and JSON and times as their text", async () => {
    const pool = await openTestPool(database.appUrl);
    const text = `SELECT 9007199254740991::int8, '{"a": 1.50}'::json, '{"a":1}'::jsonb,
      '2026-11-24 10:00:00.000001Z'::timestamptz, '2026-11-24'::date, true, '\\x00ff'::bytea, null,
      ARRAY['a', null], current_setting('application_name'), current_setting('TimeZone')`;
    const rows = await pool.read({ space: "*" }, ({ read }) => read({ name: "kinds", text }));
    expect(rows).toEqual([
      [
        Number.MAX_SAFE_INTEGER,
        '{"a": 1.50}',
        '{"a": 1}',
        "2026-11-24 10:00:00.000001+00",
        "2026-11-24",
        true,
        Buffer.from([0, 255]),
        null,
        ["a", null],
        "synchro test",
        "UTC",
      ],
    ]);
    await pool.close();
  });

  test("tells which life of the database it leads to", async () => {
    const pool = await openTestPool(database.appUrl);
    const identity = await pool.read({ space: "*" }, (it) => Promise.resolve(it.identity));
    const [row] = await database.sql(
      `SELECT (SELECT system_identifier::text FROM pg_control_system()) AS "systemIdentifier",
       oid::int AS oid FROM pg_database WHERE datname = current_database()`,
    );
    expect(identity).toEqual({ ...row, timeline: 1 });
    await pool.close();
  });

  test("whose server answers nothing any more is given up", async () => {
    const times = { connectMs: 2_000, statementMs: 300, lockMs: 0, idleInTransactionMs: 0 };
    const fires: (() => void)[] = [];
    const runtime = {
      monotonicMs: () => 0,
      after: (_ms: number, task: () => void) => {
        fires.push(task);
        return () => {
          fires.splice(fires.indexOf(task), 1);
        };
      },
    };
    const pool = await openTestPool(database.appUrl, { times: { ...times, statementMs: 0 } });
    const guarded = await openTestPool(database.appUrl, {
      times: { ...times, statementMs: 60_000 },
      runtime,
    });
    const hung = guarded.read({ space: "*" }, ({ read }) =>
      read({ name: "hung", text: "SELECT pg_sleep(60)::text" }),
    );
    const caught = hung.catch((error: unknown) => error);
    await expect
      .poll(
        async () =>
          (
            await database.sql(
              "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)::%' AND pid <> pg_backend_pid()",
            )
          ).length,
      )
      .toBe(1);
    for (const fire of fires.splice(0)) fire();
    expect(await caught).toBeInstanceOf(StoreUnavailableError);
    await database.sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'synchro_app'",
    );
    await guarded.close();
    await pool.close();
  });
});
