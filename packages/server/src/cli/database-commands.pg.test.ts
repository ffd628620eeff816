import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { sharedPostgres } from "../../testing/postgres/shared-postgres.ts";
import {
  APP,
  PASSWORD,
  runSql,
  type TestDatabase,
  urlOf,
} from "../../testing/postgres/test-database.ts";
import { runCommand } from "../../testing/run-command.ts";
import { startServerProcess } from "./cli-process.fixture.ts";

let folder: string;
let database: TestDatabase;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "synchro-database-"));
  database = await (await sharedPostgres()).createDatabase();
});

afterEach(async () => {
  await database.drop();
  rmSync(folder, { recursive: true });
});

const run = async (args: readonly string[], environment = {}) => {
  const ran = await runCommand(args, { environment });
  expect(ran.stdout + ran.stderr).not.toMatch(/canary/);
  return ran;
};

/** With the database in the environment, as a server's configuration has it. */
const over = (url: string, ...args: readonly string[]) => run(args, { SYNCHRO_DATABASE: url });

const app = (...args: readonly string[]) => over(database.appUrl, ...args);

const migrate = () => over(database.ownerUrl, "migrate", "--grant-to", APP);

const shown = () => `postgres://127.0.0.1:${database.place.port}/${database.name}`;

describe("is refused in one line", () => {
  test("what is no address, and two places at once", async () => {
    const refused = async (args: readonly string[], line: RegExp, environment = {}) => {
      const { code, stdout, stderr } = await run(args, environment);
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toMatch(/^[^\n]+\n$/);
      expect(stderr).toMatch(line);
    };
    const list = (...more: readonly string[]) => ["space", "list", ...more];
    await refused(list("--database", "mysql://a:canary@b/c"), /--database: a database is named as/);
    await refused(
      list("--database", "postgres://a:canary@[/c"),
      /a database is named as postgres:/,
    );
    await refused(list("--database", "postgres://h/c"), /names no user/);
    await refused(list("--database", "postgres://u:canary@h"), /names no database/);
    await refused(list("--database", "postgres://u@h/c?sslmode=prefer"), /sslmode is one of/);
    await refused(list("--database", "postgres://u@h/c?canarx=1"), /canarx is not a parameter/);
    const both = { SYNCHRO_DATABASE: "postgres://u:canary@h/c", SYNCHRO_DATA: folder };
    await refused(list(), /SYNCHRO_DATA and SYNCHRO_DATABASE are both given/, both);
    await refused(["serve", "--replica", "postgres://u@h/c"], /--replica needs --database/);
    await refused(["migrate", "--grant-to", "r", "--data", folder], /--grant-to needs --database/);
    // A variable of the server's must not make a backup of another place than people think.
    const chosen = { SYNCHRO_DATABASE: "postgres://u:canary@h/c" };
    await refused(
      ["backup", join(folder, "b")],
      /SYNCHRO_DATABASE names a database: .*pg_dump/,
      chosen,
    );
    await refused(["restore", folder], /SYNCHRO_DATABASE names a database/, chosen);
  });

  test("a database that lacks migrations, at every door", async () => {
    for (const args of [
      ["space", "list"],
      ["status"],
      ["purge", "--older-than", "1d"],
      ["epoch", "new"],
      ["audit"],
      ["export", "--space", "s"],
    ]) {
      const { code, stderr } = await app(...args);
      expect({ args, code }).toEqual({ args, code: 1 });
      expect(stderr).toBe(
        `${shown()} lacks what this version needs: run synchro migrate --database first, as the role that owns it\n`,
      );
    }
  });

  test("a superuser's role, unless it is wanted", async () => {
    await migrate();
    const { code, stderr } = await over(database.superUrl, "space", "list");
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/^\S+ postgres is a superuser .*--allow-superuser\n$/),
    });
    expect((await over(database.superUrl, "space", "list", "--allow-superuser")).code).toBe(0);
  });
});

test("migrate tells what it did, and does it once", async () => {
  const first = await migrate();
  expect(first).toMatchObject({ code: 0, stderr: "" });
  expect(first.stdout).toMatch(
    /^Of \d+ migrations postgres:\/\/\S+ has them all \(it had 0\)\.\n$/,
  );
  expect((await migrate()).stdout).toContain("has them all: nothing to do");
});

test("spaces, invitations, revocations, status, purge, epochs, import, export and the log work over it", async () => {
  await migrate();
  const ok = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await app(...args);
    expect({ args, code, stderr }).toMatchObject({ args, code: 0 });
    return stdout;
  };
  await ok("space", "create", "malmo-1", "--title", "Malmö");
  const rows = join(folder, "rows.ndjson");
  const lines = Array.from({ length: 1_200 }, (_, index) =>
    JSON.stringify({
      collection: "readings",
      key: `k${index}`,
      updated_at: "2026-11-24T10:00:00Z",
      value: { expiration_date: "2026-12-01" },
    }),
  );
  writeFileSync(rows, `${lines.join("\n")}\n`);
  expect(await ok("import", "--space", "malmo-1", rows)).toContain("1,200 applied");
  expect(await ok("import", "--space", "malmo-1", rows)).toContain("1,200 unchanged");
  expect(await ok("space", "list")).toMatch(/malmo-1 +1200 +- +live +Malmö/);
  const status = JSON.parse(await ok("status", "--json")) as object;
  expect(status).toMatchObject({
    data: shown(),
    declared: ["batches", "readings"],
    spaces: [{ space: "malmo-1", live: 1200, head: 1200, history: 0 }],
  });
  expect(await ok("status")).toMatch(/malmo-1 +1200 +0 +1200/);
  const exported = (await ok("export", "--space", "malmo-1")).trimEnd().split("\n");
  expect(exported).toHaveLength(1_200);
  expect(JSON.parse(exported[0] ?? "")).toMatchObject({ key: "k0", seq: 1 });
  expect(await ok("invite", "--space", "malmo-1", "--server-url", "https://a.example")).toMatch(
    /Code +\S{4}/,
  );
  await ok("token", "revoke", "told");
  expect(await ok("purge", "--older-than", "1d")).toBe(
    "malmo-1: 0 tombstones removed, the floor is 0.\n",
  );
  expect(await ok("epoch", "new")).toMatch(/^A new epoch, [0-9a-f]{20}, begins in 1 space\.\n$/);
  await ok("space", "delete", "malmo-1", "--yes");
  await ok("space", "erase", "malmo-1", "--yes");
  const log = await ok("audit");
  for (const action of [
    "space.create",
    "invite.create",
    "token.revoke",
    "space.purge",
    "epoch.begin",
    "space.erase",
  ]) {
    expect(log).toContain(action);
  }
});

test("an import declares what the servers declare, or is refused: else their records would be shut away", async () => {
  await migrate();
  const config = join(folder, "synchro.config.json");
  writeFileSync(
    config,
    JSON.stringify({
      collections: {
        notes: { schema: { type: "object" } },
      },
    }),
  );
  const rows = join(folder, "rows.ndjson");
  writeFileSync(
    rows,
    '{"collection":"notes","key":"a","updated_at":"2026-11-24T10:00:00Z","value":{"a":1}}\n',
  );
  const given = ["import", "--space", "s", rows];
  const first = await app(...given, "--config", config);
  expect(first).toMatchObject({ code: 0, stderr: "" });
  const { code, stderr } = await app(...given);
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: expect.stringContaining(": give their configuration with --config"),
  });
});

test("doctor looks the database over, and finds what is wrong with it", async () => {
  const doctor = async (...more: readonly string[]) => {
    const { code, stdout } = await app("doctor", "--json", ...more);
    const { findings } = JSON.parse(stdout) as {
      findings: { check: string; state: string; message: string }[];
    };
    return { code, of: Object.fromEntries(findings.map((each) => [each.check, each])) };
  };
  const before = await doctor();
  expect(before).toMatchObject({
    code: 1,
    of: { data: { state: "FAIL" }, config: { state: "OK" } },
  });
  expect(before.of["data"]?.message).toContain("run synchro migrate");
  await migrate();
  const rows = join(folder, "rows.ndjson");
  writeFileSync(
    rows,
    '{"collection":"readings","key":"a","updated_at":"2026-11-24T10:00:00Z","value":{"expiration_date":"2026-12-01"}}\n',
  );
  await app("import", "--space", "s", rows);
  const sound = await doctor();
  const states = Object.values(sound.of).map(({ check, state }) => `${check} ${state}`);
  // The server of the tests doesn't sync, and nobody follows it.
  expect(states).toEqual([
    "node OK",
    "data OK",
    "durability FAIL",
    "policies OK",
    "records OK",
    "standbys WARN",
    "connections OK",
    "clock OK",
    "config OK",
  ]);
  await database.sql(
    "ALTER TABLE synchro.records NO FORCE ROW LEVEL SECURITY",
    "UPDATE synchro.records SET seq = 9",
  );
  const { of } = await doctor();
  expect(of["policies"]).toMatchObject({
    state: "FAIL",
    message: expect.stringContaining("records"),
  });
  expect(of["records"]?.message).toMatch(
    /digest of readings in s .*; s has a seq 9 above its head/,
  );
});

describe("a server over it", () => {
  const start = (args: readonly string[], environment = {}) =>
    startServerProcess(args, {
      cwd: folder,
      environment: { SYNCHRO_DATABASE: database.appUrl, ...environment },
    });

  test("serves, beside another one over the same database, and says where its data are", async () => {
    await migrate();
    const [one, two] = await Promise.all([start([]), start([])]);
    try {
      expect(one.output.stdout).toContain(shown());
      const pushed = await fetch(`${one.url}/v2/spaces/default/sync`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({
          cursor: null,
          changes: [
            {
              collection: "readings",
              key: "a",
              updated_at: "2026-11-24T10:00:00Z",
              value: { expiration_date: "2026-12-01" },
            },
          ],
        }),
      });
      expect(pushed.status).toBe(200);
      const pulled = await fetch(`${two.url}/v2/spaces/default/changes`);
      expect(await pulled.json()).toMatchObject({ changes: [{ key: "a", seq: 1 }] });
      expect((await fetch(`${one.url}/readyz`)).status).toBe(200);
      const metrics = await (await fetch(`${one.url}/metrics`)).text();
      expect(metrics).toMatch(/pool_size\S* 18/);
      await database.sql("DELETE FROM synchro.migrations WHERE number = 10");
      await expect
        .poll(async () => (await (await fetch(`${one.url}/readyz`)).json()) as object, {
          timeout: 5_000,
        })
        .toMatchObject({ reasons: ["the database lacks migrations"] });
    } finally {
      await Promise.all([one.stop(), two.stop()]);
    }
    for (const { output } of [one, two]) {
      expect(output.stdout + output.stderr).not.toContain("canary");
    }
  }, 60_000);

  test("warns where the command line holds its password, and tells that nowhere", async () => {
    await migrate();
    const server = await start(["--database", database.appUrl], { SYNCHRO_DATABASE: "" });
    await server.stop();
    const said = server.output.stdout + server.output.stderr;
    expect(said).toContain("the command line holds the database's password");
    expect(said).not.toContain("canary");
  }, 60_000);

  test("answers 503 with Retry-After while the database is away, and serves again", async () => {
    await migrate();
    const server = await start([]);
    try {
      await runSql(urlOf(database.place, "postgres", "postgres"), [
        `ALTER DATABASE ${database.name} ALLOW_CONNECTIONS false`,
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database.name}'`,
      ]);
      const away = await fetch(`${server.url}/v2/spaces/default/changes`);
      expect(away.status).toBe(503);
      expect(Number(away.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(await away.text()).not.toMatch(/canary|127\.0\.0\.1/);
      await runSql(urlOf(database.place, "postgres", "postgres"), [
        `ALTER DATABASE ${database.name} ALLOW_CONNECTIONS true`,
      ]);
      const back = await fetch(`${server.url}/v2/spaces/default/changes`);
      expect(back.status).toBe(200);
    } finally {
      await server.stop();
    }
  }, 60_000);
});

describe("the password", () => {
  test("comes from a file or a variable as well, from a file that others can read not", async () => {
    await migrate();
    const bare = database.appUrl.replace(/:canary[^@]*/, "");
    const file = join(folder, "pgpass");
    writeFileSync(file, `other:*:*:*:wrong\n*:*:${database.name}:${APP}:${PASSWORD}\n`, {
      mode: 0o600,
    });
    const list = (environment: object) =>
      run(["space", "list"], { SYNCHRO_DATABASE: bare, ...environment });
    expect((await list({ HOME: folder })).stderr).toContain("password");
    expect((await list({ PGPASSFILE: file })).code).toBe(0);
    expect((await list({ PGPASSWORD: PASSWORD })).code).toBe(0);
    expect((await list({ PGPASSWORD: "canary-wrong" })).stderr).toContain("authentication failed");
    const open = join(folder, "open");
    writeFileSync(open, "*:*:*:*:canary\n", { mode: 0o644 });
    expect((await list({ PGPASSFILE: open })).stderr).toContain("chmod 600");
  });
});
