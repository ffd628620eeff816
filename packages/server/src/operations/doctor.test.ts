import { chmodSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type CollectionName, parseStamp, type Stamp } from "@synchro/core";
import { defaultLimits } from "@synchro/protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startCli, startServerProcess } from "../cli/cli-process.fixture.ts";
import { examineControl, examineFolder, inspectFolder } from "../compose-operations.ts";
import { openSqliteControlStore } from "../control/sqlite/open-sqlite-control-store.ts";
import { openSqliteStore } from "../store/sqlite/open-sqlite-store.ts";
import {
  at,
  batches,
  only,
  pushTo,
  readings,
  refused,
  write,
} from "../store/store-harness.contract.ts";
import { systemRuntime } from "../system-runtime.ts";
import { diagnose, type DiagnoseDeps, type DiagnoseWish } from "./diagnose.ts";
import type { Finding } from "./finding.ts";

let folder: string;
let data: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "synchro-doctor-"));
  data = join(folder, "data");
  const store = await openSqliteStore({
    runtime: systemRuntime,
    collections: only(readings, batches),
    limits: defaultLimits,
    dataDir: data,
    writer: "inline",
    bytesMax: null,
    onFatal: (error) => {
      throw error;
    },
  });
  const changes = Array.from({ length: 40 }, (_, n) => write(`k${n}`, at(n), { n }));
  await pushTo(store, [...changes, write("gone", at(1), null), refused("bad_key", "{}")]);
  await store.close();
  const control = await openSqliteControlStore({ dataDir: data });
  await control.close();
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const deps: DiagnoseDeps = {
  nodeVersion: "26.10.0",
  now: systemRuntime.now,
  loadCollections: () => [readings, batches],
  inspect: inspectFolder,
  examine: examineFolder,
  examineControl,
  askServer: () => Promise.reject(new Error("nobody asked")),
};

const look = (
  more: Partial<DiagnoseDeps> = {},
  wish: Partial<DiagnoseWish> = {},
): Promise<readonly Finding[]> =>
  diagnose({ ...deps, ...more }, { data, config: null, deep: false, url: null, ...wish });

/** What is not well, by its check. */
const illIn = (findings: readonly Finding[]): { readonly [check: string]: string } =>
  Object.fromEntries(
    findings
      .filter(({ state }) => state !== "OK")
      .map(({ check, state, message }) => [check, `${state} ${message}`]),
  );

const harm = (sql: string, name = "synchro.db"): void => {
  const database = new DatabaseSync(join(data, name));
  database.exec(sql);
  database.close();
};

describe("the doctor", () => {
  test("finds healthy data well, to the last value, and writes nothing", async () => {
    const findings = await look({}, { deep: true });
    expect(illIn(findings)).toEqual({});
    expect(findings.map(({ check }) => check)).toEqual([
      "node",
      "data",
      "config",
      "rights",
      "disk",
      "log",
      "clock",
      "structure",
      "indexes",
      "digests",
      "seqs",
      "floors",
      "stamps",
      "records",
      "control",
    ]);
  });

  test.each([
    ["digests", "DELETE FROM records WHERE key = 'k3'", "40 live records are noted, 39 are there"],
    ["digests", "UPDATE records SET seq = 99 WHERE key = 'k3'", "with other seqs"],
    ["seqs", "UPDATE records SET seq = 4 WHERE key = 'k9'", "two records have seq 4"],
    ["seqs", "UPDATE records SET seq = 99 WHERE key = 'gone'", "seq 99, the head is 41"],
    ["seqs", "UPDATE epochs SET from_seq = 77", "is out of order"],
    ["seqs", "DELETE FROM epochs", "lists no epoch"],
    ["floors", "UPDATE spaces SET floor = 50", "the floor is 50, the head 41"],
    ["indexes", "DROP INDEX records_by_stamp", "the index records_by_stamp is missing"],
    [
      "indexes",
      "DROP INDEX evidence_by_age; CREATE INDEX evidence_by_age ON evidence (stamp)",
      "is not as this program makes it",
    ],
  ])("%s: after %s", async (check, sql, told) => {
    harm(sql);
    const ill = illIn(await look());
    expect(ill[check]).toContain("FAIL");
    expect(ill[check]).toContain(told);
    expect(ill[check]).toMatch(/restore/);
  });

  test.each([
    [
      "UPDATE records SET value = '[1]' WHERE key = 'k3'",
      'shop-1 readings "k3": its value is no JSON object',
    ],
    ["UPDATE records SET value = '{' WHERE key = 'k3'", "its value is no JSON"],
    ["UPDATE records SET stamp = 'noon' WHERE key = 'k3'", "its stamp is no stamp: noon"],
    ["UPDATE records SET key = '' WHERE key = 'gone'", "its key breaks a rule"],
    ["UPDATE records SET buried_at = NULL WHERE key = 'gone'", "no one knows when"],
    ["UPDATE records SET buried_at = stamp WHERE key = 'k3'", "it is live, and was buried"],
    [
      "UPDATE records SET field_state = 'life' WHERE key = 'k3'",
      "its life and stamps can't be read",
    ],
    [
      `UPDATE records SET field_state = '"life":2,"stamps":{}' WHERE key = 'k3'`,
      "its life is not that of its value",
    ],
    [
      `UPDATE records SET field_state = '"life":1,"stamps":{"n":"2999-01-01T00:00:00Z"}' WHERE key = 'k3'`,
      "a field's stamp is after its own",
    ],
  ])("with --deep, records: after %s", async (sql, told) => {
    harm(sql);
    expect(illIn(await look({}, { deep: true }))["records"]).toContain(told);
    expect(illIn(await look())["records"]).toBeUndefined();
  });

  test("tells a damaged file, and goes on with the rest", async () => {
    writeFileSync(join(data, "synchro.db"), "Dear diary, ".repeat(900));
    const ill = illIn(await look());
    expect(ill["data"]).toMatch(/^FAIL .*is not a database/);
    expect(Object.keys(ill)).toEqual(["data"]);
    rmSync(join(data, "synchro.db"));
    expect(illIn(await look())["data"]).toContain("there is no database");
  });

  test("tells a control.db that is damaged, or that others may read", async () => {
    chmodSync(join(data, "control.db"), 0o644);
    expect(illIn(await look())["rights"]).toMatch(/^WARN .*chmod 600/);
    writeFileSync(join(data, "control.db"), "no ".repeat(5_000));
    expect(illIn(await look())["control"]).toMatch(/^FAIL/);
  });

  test("tells a configuration that would hide records, and one that does not load", async () => {
    const fewer = await look({ loadCollections: () => [readings] });
    expect(illIn(fewer)["config"]).toMatch(/^WARN it lacks batches: .*--config/);
    const more = await look({
      loadCollections: () => [readings, batches, "notes" as CollectionName],
    });
    expect(illIn(more)).toEqual({});
    const ended = await startCli(["doctor", "--data", data, "--config", "nowhere.json"], {
      cwd: folder,
    }).ended;
    expect(ended.code).toBe(1);
    expect(ended.stdout).toMatch(
      /FAIL {2}config {5}nowhere.json: can't be read: there is no such file/,
    );
  });

  const hourAgo = (): Stamp => parseStamp("2020-01-01T00:00:00Z")!;

  test("tells a clock that is behind what was written, purges from the future, and a server that is apart", async () => {
    expect(illIn(await look({ now: hourAgo }))["clock"]).toMatch(/^FAIL .*set the clock/);
    utimesSync(join(data, "synchro.db"), 1, 1);
    harm("UPDATE spaces SET cutoff = '2999-01-01T00:00:00.000000Z'");
    expect(illIn(await look())["clock"]).toMatch(/^WARN .*shop-1 until 2999-01-01T00:00:00Z/);
    const url = "http://shop.example";
    const apart = (ms: number) =>
      look({ now: hourAgo, askServer: () => Promise.resolve(1_577_836_800_000 + ms) }, { url });
    expect(illIn(await apart(0))["server clock"]).toBeUndefined();
    expect(illIn(await apart(60_000))["server clock"]).toMatch(/^WARN .* 60 s ahead/);
    expect(illIn(await apart(-400_000))["server clock"]).toMatch(/^FAIL .* 400 s behind/);
  });

  test("tells records of a time that has not come", async () => {
    harm("UPDATE records SET stamp = '2999-01-01T00:00:00.000000Z' WHERE key = 'k3'");
    expect(illIn(await look())["stamps"]).toMatch(
      /^WARN ahead of this machine's clock: shop-1 readings "k3" is of 2999-/,
    );
  });

  test("tells a Node that is too old, and what a restore has left", async () => {
    mkdirSync(join(data, "restoring-20261124T101500.000000Z"));
    const ill = illIn(await look({ nodeVersion: "24.8.9" }));
    expect(ill["node"]).toMatch(/^FAIL .*Node 24\.9/);
    expect(ill["restores"]).toMatch(/^WARN one was cut off/);
  });
});

describe("beside a running server", () => {
  test("doctor and status read on, and status asks it too", async () => {
    const server = await startServerProcess(["--data", data], { cwd: folder });
    const changes = [
      {
        collection: "readings",
        key: "new",
        updated_at: "2026-11-24T10:00:00Z",
        value: { expiration_date: "2026-12-01" },
      },
    ];
    const sent = await fetch(`${server.url}/v2/spaces/shop-1/sync`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ changes }),
    });
    expect(sent.status).toBe(200);
    const run = (...args: readonly string[]) => startCli(args, { cwd: folder }).ended;
    const healthy = await run("doctor", "--data", data, "--deep", "--url", server.url);
    expect(healthy).toMatchObject({ code: 0, stderr: "" });
    expect(healthy.stdout).toMatch(/^OK {4}server clock/m);
    const json = await run("doctor", "--data", data, "--json");
    expect(JSON.parse(json.stdout)).toMatchObject({ fine: true, findings: expect.any(Array) });

    const files = JSON.parse((await run("status", "--data", data, "--json")).stdout) as unknown;
    expect(files).toMatchObject({
      data,
      schema: expect.any(Number),
      spaces: [{ space: "shop-1", live: 41, tombstones: 1, head: 42, floor: 0, rejections: 1 }],
    });
    const table = (await run("status", "--data", data)).stdout;
    expect(table).toMatch(/^SPACE +LIVE +DELETED +HEAD/m);
    expect(table).toMatch(/^shop-1 +41 +1 +42 +0 /m);
    const asked = await run("status", "--url", server.url);
    expect(asked).toMatchObject({ code: 0, stderr: "" });
    expect(asked.stdout).toMatch(/^shop-1 +41 +- +42 +0 /m);
    await server.stop();
  }, 60_000);

  test("what is ill ends with 1, and a folder without data says so in one line", async () => {
    harm("DELETE FROM records WHERE key = 'k3'");
    const ill = await startCli(["doctor", "--data", data], { cwd: folder }).ended;
    expect(ill.code).toBe(1);
    expect(ill.stdout).toMatch(/^FAIL {2}digests/m);
    const none = await startCli(["status", "--data", "nowhere"], { cwd: folder }).ended;
    expect(none).toMatchObject({ code: 1, stdout: "" });
    expect(none.stderr).toMatch(/^synchro: there is no database in [^\n]+\n$/);
  });
});
