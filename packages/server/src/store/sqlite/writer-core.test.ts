import { rmSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { Epoch } from "@synchro/core";
import { defaultLimits } from "@synchro/protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemRuntime } from "../../system-runtime.ts";
import {
  at,
  declared,
  expectTrueDigests,
  ledger,
  pullRequest,
  refused,
  space,
  start,
  TestClock,
  write,
} from "../store-harness.contract.ts";
import type { StorePush } from "../store.ts";
import { databasePath } from "./data-directory.ts";
import { openSqliteStoreOver } from "./open-sqlite-store.ts";
import { connectWriter, setWriterPragmas } from "./open-database.ts";
import { migrateDatabase } from "./prepare-database.ts";
import { createDataDir, onFatal } from "./sqlite-harness.contract.ts";
import { createSpaceNoCache } from "./space-cache.ts";
import { createSpaceReader } from "./space-reader.ts";
import type { WriteRequest } from "./write-request.ts";
import { WriterCore } from "./writer-core.ts";

const names = [...declared.keys()];

const pushOf = (...changes: StorePush["changes"]): WriteRequest => ({
  kind: "push",
  push: { space, changes, checksClocks: true, clientId: "c1", now: start },
});

let dataDir: string;
let database: DatabaseSync;
let core: WriterCore;

beforeEach(() => {
  dataDir = createDataDir();
  database = connectWriter(databasePath(dataDir));
  setWriterPragmas(database, null);
  migrateDatabase(database);
  core = new WriterCore(database, {
    epoch: "e" as Epoch,
    collections: declared,
    limits: defaultLimits,
    sha256: systemRuntime.sha256,
  });
});

afterEach(() => {
  database.close();
  rmSync(dataDir, { recursive: true, force: true });
});

describe("a group of requests", () => {
  /** A request that has written records, a space and rejections when its last statement fails. */
  const failsLate = (key: string): WriteRequest =>
    pushOf(write(`${key}-1`, at(1), {}), refused("bad_key", key), {
      ...write("poison", at(1), {}),
      collection: ledger,
    });

  const poison = (raise: string): void =>
    database.exec(
      `CREATE TEMP TRIGGER poison BEFORE INSERT ON history WHEN NEW.key = 'poison'
       BEGIN SELECT RAISE(${raise}, 'poisoned'); END`,
    );

  const readBack = () =>
    createSpaceReader(database, createSpaceNoCache(database)).pull(pullRequest(), names);

  test("[STORE-3] [STORE-1] one that fails in the middle of its writes leaves nothing behind, and its neighbours stand", async () => {
    poison("ABORT");
    const results = core.commit([
      failsLate("first"),
      pushOf(write("a", at(1), { n: 1 })),
      failsLate("second"),
      pushOf(write("b", at(1), { n: 1 })),
    ]);
    expect(results.map(({ kind }) => kind)).toEqual(["failed", "pushed", "failed", "pushed"]);
    expect(readBack().records.map(({ key, seq }) => [key, seq])).toEqual([
      ["a", 1],
      ["b", 2],
    ]);
    expect(database.prepare("SELECT count(*) AS n FROM rejections").get()).toEqual({ n: 0 });
    expect(database.prepare("SELECT count(*) AS n FROM spaces").get()).toEqual({ n: 1 });
    await expectTrueDigests(
      openSqliteStoreOver(database, {
        runtime: new TestClock().runtime,
        collections: declared,
        limits: defaultLimits,
        bytesMax: null,
        onFatal,
      }),
    );
  });

  test("[STORE-7] where the whole transaction is lost, nobody is told that it stands, and the next group passes", () => {
    poison("ROLLBACK");
    const results = core.commit([pushOf(write("a", at(1), {})), failsLate("x")]);
    expect(results).toMatchObject([
      { kind: "failed", error: { message: "poisoned" } },
      { kind: "failed", error: { message: "poisoned" } },
    ]);
    expect(readBack()).toMatchObject({ records: [], position: null });
    expect(core.commit([pushOf(write("a", at(1), {}))])).toMatchObject([{ kind: "pushed" }]);
    expect(readBack().records).toHaveLength(1);
  });

  test("while another holds the lock on the file, it fails and changes nothing; later it passes", () => {
    database.exec("PRAGMA busy_timeout = 20");
    const other = new DatabaseSync(databasePath(dataDir));
    other.exec("BEGIN IMMEDIATE");
    expect(core.commit([pushOf(write("a", at(1), {}))])).toMatchObject([
      { kind: "failed", error: { message: "database is locked" } },
    ]);
    other.exec("ROLLBACK");
    other.close();
    expect(core.commit([pushOf(write("a", at(1), {}))])).toMatchObject([{ kind: "pushed" }]);
  });
});

describe("the log", () => {
  const sizeOf = (suffix: string): number => statSync(databasePath(dataDir) + suffix).size;
  const text = "x".repeat(40_000);
  const MIB = 1024 * 1024;

  const writeMany = (groups: number, from = 0): void => {
    for (let group = from; group < from + groups; group += 1) {
      const changes = Array.from({ length: 50 }, (_, index) =>
        write(`${group}-${index}`, at(group), { text }),
      );
      core.commit([pushOf(...changes)]);
      core.tidy();
    }
  };

  test("is brought into the file as it grows, so neither it nor its recovery grows without end", () => {
    writeMany(40);
    expect(sizeOf("")).toBeGreaterThan(50 * MIB);
    expect(sizeOf("-wal")).toBeLessThan(32 * MIB);
  });

  test("grows while a reader holds an old moment, and shrinks again after it", () => {
    const reader = new DatabaseSync(databasePath(dataDir), { readOnly: true });
    reader.exec("BEGIN");
    reader.prepare("SELECT count(*) FROM spaces").get();
    writeMany(45);
    expect(sizeOf("-wal")).toBeGreaterThan(70 * MIB);
    reader.exec("COMMIT");
    writeMany(20, 45);
    expect(sizeOf("-wal")).toBeLessThanOrEqual(64 * MIB);
    reader.close();
  });
});
