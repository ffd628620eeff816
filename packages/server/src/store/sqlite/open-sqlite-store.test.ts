import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as wait } from "node:timers/promises";
import { defaultLimits } from "@synchro/protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { at, declared, pullRun, pushTo, TestClock, write } from "../store-harness.contract.ts";
import type { Store } from "../store.ts";
import { databasePath } from "./data-directory.ts";
import { migrateData, openSqliteStore, openSqliteStoreOver } from "./open-sqlite-store.ts";
import { APPLICATION_ID, SCHEMA_VERSION } from "./schema.ts";
import { createDataDir, onFatal } from "./sqlite-harness.contract.ts";
import { StoreOpenError } from "./store-open-error.ts";

const program = join(import.meta.dirname, "../../../scripts/push-until-killed.ts");

let dataDir: string;
const opened: Store[] = [];

beforeEach(() => {
  dataDir = createDataDir();
});

afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
  rmSync(dataDir, { recursive: true, force: true });
});

const options = {
  runtime: new TestClock().runtime,
  collections: declared,
  limits: defaultLimits,
  bytesMax: null,
  onFatal,
};

const open = async (
  writer: "inline" | "worker" = "inline",
  directory = dataDir,
): Promise<Store> => {
  const store = await openSqliteStore({ ...options, dataDir: directory, writer });
  opened.push(store);
  return store;
};

/** The refusal that opening meets: one line, with its code. */
const refusalOf = async (opening: Promise<unknown>): Promise<StoreOpenError> => {
  const error = await opening.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof StoreOpenError)) throw new Error(`not refused: ${String(error)}`);
  expect(error.message).not.toContain("\n");
  return error;
};

const refusedPragma = (sql: string): void => {
  const database = new DatabaseSync(databasePath(dataDir));
  database.exec(sql);
  database.close();
};

describe("data that can't be opened is refused in one line", () => {
  test("made by a newer program: told by its schema's number, and left as it is", async () => {
    await (await open()).close();
    refusedPragma(`PRAGMA user_version = ${SCHEMA_VERSION + 4}`);
    const before = readFileSync(databasePath(dataDir));
    const error = await refusalOf(open());
    expect(error.code).toBe("newer_schema");
    expect(error.message).toBe(
      `${databasePath(dataDir)} was made by a newer Synchro (schema ${SCHEMA_VERSION + 4}; this one knows ${SCHEMA_VERSION}): update Synchro`,
    );
    expect(() => migrateData(dataDir)).toThrow(error.message);
    expect(readFileSync(databasePath(dataDir)).equals(before)).toBe(true);
  });

  test.each([
    ["another program's database", "CREATE TABLE t (x); PRAGMA user_version = 1"],
    ["one marked as another's, without tables", "PRAGMA application_id = 7; VACUUM"],
    ["one that only has a version", "PRAGMA user_version = 1; VACUUM"],
  ])("%s: left as it is", async (_, sql) => {
    refusedPragma(sql);
    const before = readFileSync(databasePath(dataDir));
    const error = await refusalOf(open());
    expect(error.code).toBe("foreign_file");
    expect(error.message).toContain("is not a database of Synchro");
    expect(readFileSync(databasePath(dataDir)).equals(before)).toBe(true);
    expect(readdirSync(dataDir).toSorted()).toEqual(["synchro.db", "synchro.lock"]);
  });

  test("a file that is no database at all: left as it is", async () => {
    const text = "Dear diary, ".repeat(500);
    writeFileSync(databasePath(dataDir), text);
    expect((await refusalOf(open())).code).toBe("foreign_file");
    expect(readFileSync(databasePath(dataDir), "utf8")).toBe(text);
  });

  test("a damaged file", async () => {
    const store = await open();
    await pushTo(store, [write("a", at(1), { n: 1 })]);
    await store.close();
    const bytes = readFileSync(databasePath(dataDir));
    writeFileSync(databasePath(dataDir), bytes.fill(0x5a, 100, 4_096));
    expect((await refusalOf(open())).code).toBe("damaged");
  });

  test("a data directory below a file", async () => {
    writeFileSync(join(dataDir, "file"), "");
    const error = await refusalOf(open("inline", join(dataDir, "file", "data")));
    expect(error.code).toBe("not_writable");
    expect(error.message).toContain("can't write in");
  });

  test("a directory in the place of the database", async () => {
    mkdirSync(databasePath(dataDir));
    expect((await refusalOf(open())).code).toBe("not_writable");
  });

  test.each(["inline", "worker"] as const)("open already in this process (%s)", async (writer) => {
    const first = await open(writer);
    const error = await refusalOf(open(writer));
    expect(error.code).toBe("already_open");
    expect(error.message).toBe(
      `the data in ${dataDir} is open in another process: stop it, or name another directory with --data`,
    );
    expect(() => migrateData(dataDir)).toThrow(error.message);
    await pushTo(first, [write("a", at(1), {})]);
    await first.close();
    expect((await pullRun(await open(writer))).records).toHaveLength(1);
  });

  test("open already in another process, until that is gone, even by kill -9", async () => {
    const notes = join(dataDir, "notes");
    const child = spawn(process.execPath, ["--conditions=source", program, dataDir, notes, "1"], {
      stdio: "ignore",
    });
    const ended = new Promise((resolve) => {
      child.on("exit", resolve);
    });
    while (!existsSync(notes)) await wait(10);
    expect((await refusalOf(open())).code).toBe("already_open");
    child.kill("SIGKILL");
    await ended;
    await open();
  });

  test("a second process is refused as well", async () => {
    await open("worker");
    const notes = join(dataDir, "notes");
    const child = spawnSync(
      process.execPath,
      ["--conditions=source", program, dataDir, notes, "1"],
      { encoding: "utf8" },
    );
    expect(child.status).toBe(1);
    expect(child.stderr).toContain("is open in another process");
  });

  test("what was refused leaves no lock behind", async () => {
    refusedPragma("CREATE TABLE t (x)");
    await refusalOf(open());
    rmSync(databasePath(dataDir));
    expect((await pullRun(await open())).records).toEqual([]);
  });
});

describe("opening", () => {
  test("makes the directory, marks the file as ours, and is durable", async () => {
    const directory = join(dataDir, "a", "b");
    const store = await open("worker", directory);
    expect(store.capabilities).toEqual({ isDurable: true });
    await pushTo(store, [write("a", at(1), {})]);
    await store.close();
    // The last connection brings the log into the file.
    expect(readdirSync(directory).toSorted()).toEqual(["synchro.db", "synchro.lock"]);
    const database = new DatabaseSync(databasePath(directory), { readOnly: true });
    expect(database.prepare("PRAGMA application_id").get()).toEqual({
      application_id: APPLICATION_ID,
    });
    expect(database.prepare("PRAGMA user_version").get()).toEqual({ user_version: SCHEMA_VERSION });
    expect(database.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
    database.close();
  });

  test("migrates from nothing, and a second time does nothing", () => {
    expect(migrateData(dataDir)).toEqual({ from: 0, to: SCHEMA_VERSION });
    const before = readFileSync(databasePath(dataDir));
    expect(migrateData(dataDir)).toEqual({ from: SCHEMA_VERSION, to: SCHEMA_VERSION });
    expect(readFileSync(databasePath(dataDir)).equals(before)).toBe(true);
  });

  test("an empty file is taken for new", async () => {
    writeFileSync(databasePath(dataDir), "");
    expect(await pushTo(await open(), [write("a", at(1), {})])).toMatchObject({ changed: 1 });
  });

  test("a directory with a name that is no plain text", async () => {
    const directory = join(dataDir, "da'ta ?#%20é😀");
    const store = await open("worker", directory);
    await pushTo(store, [write("a", at(1), {})]);
    await store.close();
    expect((await pullRun(await open("worker", directory))).records).toHaveLength(1);
  });

  test("declarations may hold functions, and still cross to the writer's thread", async () => {
    const collections = new Map(
      [...declared].map(([name, collection]) => [name, { ...collection, validate: () => [] }]),
    );
    const store = await openSqliteStore({ ...options, collections, dataDir, writer: "worker" });
    opened.push(store);
    expect(await pushTo(store, [write("a", at(1), {})])).toMatchObject({ changed: 1 });
  });
});

describe("over a connection in memory", () => {
  const openKillable = (database: DatabaseSync) => {
    const tasks: (() => void)[] = [];
    const runtime = { ...options.runtime, soon: (task: () => void) => void tasks.push(task) };
    const store = openSqliteStoreOver(database, { ...options, runtime });
    const runTasks = async (): Promise<void> => {
      for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) {
        task();
        // What the task let go on goes on.
        await new Promise(setImmediate);
      }
    };
    return { store, runTasks };
  };

  test("a store that is killed loses what waited and keeps what was answered", async () => {
    const database = new DatabaseSync(":memory:");
    const first = openKillable(database);
    const done = pushTo(first.store, [write("a", at(1), {})]);
    await first.runTasks();
    await done;
    void pushTo(first.store, [write("b", at(1), {})]);

    const second = openKillable(database);
    expect(second.store.epoch).not.toBe(first.store.epoch);
    expect((await pullRun(second.store)).records.map(({ key }) => key)).toEqual(["a"]);
    expect(second.store.capabilities).toEqual({ isDurable: false });
  });

  test("a transaction that a kill left open is undone", async () => {
    const database = new DatabaseSync(":memory:");
    await openSqliteStoreOver(database, options).close();
    database.exec("BEGIN; INSERT INTO spaces (name, head, floor) VALUES ('shop-1', 7, 0)");
    const store = openSqliteStoreOver(database, options);
    expect((await pullRun(store)).position).toBeNull();
  });

  test("a foreign database is refused there too", () => {
    const database = new DatabaseSync(":memory:");
    database.exec("CREATE TABLE t (x)");
    expect(() => openSqliteStoreOver(database, options)).toThrow("not a database of Synchro");
  });
});
