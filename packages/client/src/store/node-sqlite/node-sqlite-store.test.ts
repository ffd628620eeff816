import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync, StatementSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { describeClientStore } from "../client-store.contract.ts";
import { dump, entry, record, type StoreHarness } from "../client-store-harness.contract.ts";
import { openNodeSqliteStore } from "./open-node-sqlite-store.ts";

const createClientId = (): string => "c_1";
const createFolder = (): string => mkdtempSync(join(tmpdir(), "synchro-client-"));

const createHarness = async (): Promise<StoreHarness> => {
  const folder = createFolder();
  const path = join(folder, "store.db");
  return {
    // Room for what the suite writes, and not for what overflows.
    open: (options) =>
      openNodeSqliteStore({ path, createClientId, bytesMax: 3_000_000, ...options }),
    setFull: () => {},
    makeNewer: async () => {
      const database = new DatabaseSync(path);
      database.exec("PRAGMA user_version = 99");
      database.close();
    },
    cleanUp: async () => rmSync(folder, { recursive: true, force: true }),
  };
};

describeClientStore("node-sqlite", createHarness);

describe("a file", () => {
  let folder: string;
  beforeEach(() => {
    folder = createFolder();
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  test("of someone else is refused, and not touched", async () => {
    const path = join(folder, "other.db");
    const database = new DatabaseSync(path);
    database.exec("CREATE TABLE notes (text TEXT); INSERT INTO notes VALUES ('keep me')");
    database.close();
    await expect(openNodeSqliteStore({ path, createClientId })).rejects.toMatchObject({
      code: "foreign_file",
    });
    const again = new DatabaseSync(path, { readOnly: true });
    expect(again.prepare("SELECT text FROM notes").all()).toEqual([{ text: "keep me" }]);
    again.close();
  });

  test("that is no database is refused, with one line that names it", async () => {
    const path = join(folder, "notes.txt");
    writeFileSync(path, "no database at all, but some text that goes on for a while\n".repeat(90));
    await expect(openNodeSqliteStore({ path, createClientId })).rejects.toMatchObject({
      code: "foreign_file",
      message: expect.stringContaining("notes.txt"),
    });
  });

  test("in a folder that does not exist is refused", async () => {
    const path = join(folder, "none", "store.db");
    await expect(openNodeSqliteStore({ path, createClientId })).rejects.toMatchObject({
      code: "not_writable",
    });
  });

  test("is free again once its store is closed, or could not be opened", async () => {
    const path = join(folder, "store.db");
    const first = await openNodeSqliteStore({ path, createClientId });
    await expect(openNodeSqliteStore({ path, createClientId })).rejects.toMatchObject({
      code: "already_open",
    });
    await first.transact((transaction) => transaction.putRecords([record("a")]));
    await first.close();
    const second = await openNodeSqliteStore({ path, createClientId });
    expect((await dump(second)).records).toEqual([record("a")]);
    await second.close();
  });
});

/** A method as it is before it is spied upon, to be called with its `this`. */
const originalOf = <Owner extends object, Name extends keyof Owner>(
  owner: Owner,
  name: Name,
): Owner[Name] => owner[name];

/** The statements that the store runs by themselves, in order; `failOn` makes one fail once, with SQLite's own code. */
const watchStatements = (failOn?: {
  readonly sql: string;
  readonly errcode: number;
  readonly rollsBack?: boolean;
}): string[] => {
  const seen: string[] = [];
  let hasFailed = false;
  const exec = originalOf(DatabaseSync.prototype, "exec");
  vi.spyOn(DatabaseSync.prototype, "exec").mockImplementation(function (
    this: DatabaseSync,
    sql: string,
  ) {
    seen.push(sql);
    if (failOn?.sql === sql && !hasFailed) {
      hasFailed = true;
      if (failOn.rollsBack === true) exec.call(this, "ROLLBACK");
      throw Object.assign(new Error("injected"), { errcode: failOn.errcode });
    }
    exec.call(this, sql);
  });
  return seen;
};

describe("the disk", () => {
  let folder: string;
  beforeEach(() => {
    folder = createFolder();
  });
  afterEach(() => {
    vi.restoreAllMocks();
    rmSync(folder, { recursive: true, force: true });
  });

  test("is synced at each strict commit, and not at a relaxed one", async () => {
    const store = await openNodeSqliteStore({ path: join(folder, "store.db"), createClientId });
    const seen = watchStatements();
    for (const durability of ["strict", "relaxed", "relaxed", "strict"] as const) {
      await store.transact((transaction) => transaction.putMeta({ generation: 1 }), durability);
    }
    const commit = ["BEGIN IMMEDIATE", "COMMIT"];
    expect(seen).toEqual([
      ...commit,
      "PRAGMA synchronous = NORMAL",
      ...commit,
      ...commit,
      "PRAGMA synchronous = FULL",
      ...commit,
    ]);
    await store.close();
  });

  test("that fails a sync can't be trusted any more: the store says so once, and answers nothing", async () => {
    const path = join(folder, "store.db");
    const onLost = vi.fn<(error: Error) => void>();
    const store = await openNodeSqliteStore({ path, createClientId, onLost });
    watchStatements({ sql: "COMMIT", errcode: 1034 });
    const both = await Promise.allSettled([
      store.transact((transaction) => transaction.putRecords([record("a")])),
      store.transact((transaction) => transaction.putRecords([record("b")])),
    ]);
    expect(both).toMatchObject([{ reason: { code: "lost" } }, { reason: { code: "lost" } }]);
    await expect(dump(store)).rejects.toMatchObject({ code: "lost" });
    expect(onLost).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code: "lost" }));
    await store.close();
    const again = await openNodeSqliteStore({ path, createClientId });
    expect((await dump(again)).records).toEqual([]);
    await again.close();
  });

  test.each([
    ["which SQLite takes back", true],
    ["which SQLite leaves open", false],
  ])(
    "that is full at a commit %s: nothing is applied, and later ones pass",
    async (_, rollsBack) => {
      const store = await openNodeSqliteStore({ path: join(folder, "store.db"), createClientId });
      watchStatements({ sql: "COMMIT", errcode: 13, rollsBack });
      const full = store.transact((transaction) => transaction.putRecords([record("a")]));
      await expect(full).rejects.toMatchObject({ code: "full" });
      await store.transact((transaction) => transaction.putRecords([record("b")]));
      expect((await dump(store)).records).toEqual([record("b")]);
      await store.close();
    },
  );

  test("that is full in the middle, so that SQLite takes all back by itself: what the body still writes is not kept", async () => {
    const store = await openNodeSqliteStore({ path: join(folder, "store.db"), createClientId });
    // A statement of the transaction fails as SQLite's do that end it.
    const executed = vi.spyOn(DatabaseSync.prototype, "exec");
    const run = originalOf(StatementSync.prototype, "run");
    let runs = 0;
    vi.spyOn(StatementSync.prototype, "run").mockImplementation(function (
      this: StatementSync,
      ...values
    ) {
      runs += 1;
      if (runs !== 2) return run.apply(this, values as never);
      (executed.mock.contexts.at(-1) as DatabaseSync).exec("ROLLBACK");
      throw Object.assign(new Error("injected"), { errcode: 13 });
    });
    const full = store.transact(async (transaction) => {
      await transaction.putRecords([record("a")]);
      void transaction.putRecords([record("b")]);
      void transaction.putEntries([entry(1)]);
    });
    await expect(full).rejects.toMatchObject({ code: "full" });
    const { records, entries } = await dump(store);
    expect([records, entries]).toEqual([[], []]);
    await store.close();
  });
});
