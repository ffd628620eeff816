import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { SpaceId } from "@synchro/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { only, readings } from "../store-harness.contract.ts";
import type { Store } from "../store.ts";
import { databasePath } from "./data-directory.ts";
import { openReadOnly } from "./open-read-only.ts";
import { openSqliteStore } from "./open-sqlite-store.ts";
import { createDataDir, onFatal } from "./sqlite-harness.contract.ts";
import { systemRuntime } from "../../system-runtime.ts";
import { defaultLimits } from "@synchro/protocol";

let dataDir: string;

beforeEach(() => {
  dataDir = createDataDir();
});

afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

const space = "shop" as SpaceId;

const openStore = (): Promise<Store> =>
  openSqliteStore({
    runtime: systemRuntime,
    collections: only(readings),
    limits: defaultLimits,
    dataDir,
    writer: "inline",
    bytesMax: null,
    onFatal,
  });

const push = async (store: Store, key: string, value: string | null): Promise<void> => {
  const now = systemRuntime.now();
  const change = {
    kind: "write",
    collection: readings,
    key,
    stamp: now,
    base: null,
    author: null,
    value,
    fieldState: null,
  } as const;
  const outcome = await store.push({
    space,
    changes: [change],
    checksClocks: true,
    clientId: null,
    now,
  });
  expect(outcome.kind).toBe("committed");
};

const codeOf = (open: () => unknown): unknown => {
  try {
    open();
  } catch (error) {
    return error instanceof Error && "code" in error ? error.code : error;
  }
  return "opened";
};

describe("data that can't be read is refused with a reason", () => {
  test("none", () => {
    expect(codeOf(() => openReadOnly(dataDir))).toBe("absent");
    expect(readdirSync(dataDir)).toEqual([]);
  });

  test("of another program, damaged, older, newer", async () => {
    const path = databasePath(dataDir);
    writeFileSync(path, "no database".repeat(1000));
    expect(codeOf(() => openReadOnly(dataDir))).toBe("foreign_file");
    rmSync(path);
    const foreign = new DatabaseSync(path);
    foreign.exec("CREATE TABLE a (b)");
    foreign.close();
    expect(codeOf(() => openReadOnly(dataDir))).toBe("foreign_file");
    rmSync(path);
    await (await openStore()).close();
    for (const [version, code] of [
      [0, "older_schema"],
      [999, "newer_schema"],
    ] as const) {
      const ours = new DatabaseSync(path);
      ours.exec(`PRAGMA user_version = ${version}`);
      ours.close();
      expect(codeOf(() => openReadOnly(dataDir))).toBe(code);
    }
  });
});

test("it is of one moment, beside a store that goes on writing", async () => {
  const store = await openStore();
  await push(store, "a", '{"n":1}');
  await push(store, "b", '{"n":1}');
  await push(store, "b", null);
  const data = openReadOnly(dataDir);
  const of = { collections: [readings], tombstones: false };
  const iterator = data.read(space, of)[Symbol.iterator]();
  expect(iterator.next().value).toMatchObject({ key: "a", value: '{"n":1}' });
  await push(store, "a", '{"n":2}');
  await push(store, "c", '{"n":1}');
  expect(iterator.next().done).toBe(true);
  expect([...data.read(space, of)].map(({ key, value }) => [key, value])).toEqual([
    ["a", '{"n":1}'],
  ]);
  const all = [...data.read(space, { ...of, tombstones: true })];
  expect(all.map(({ key, seq, value }) => [key, seq, value])).toEqual([
    ["a", 1, '{"n":1}'],
    ["b", 3, null],
  ]);
  expect(data.describe(space)?.head).toBe(3);
  expect(data.describe("other" as SpaceId)).toBeNull();
  expect([...data.read("other" as SpaceId, of)]).toEqual([]);
  data.close();
  const later = openReadOnly(dataDir);
  expect(later.describe(space)?.head).toBe(5);
  expect(later.listSpaces()).toEqual([space]);
  later.close();
  await store.close();
});

test("an iteration that is left early, and a store that opens after it", async () => {
  const first = await openStore();
  await push(first, "a", "{}");
  await push(first, "b", "{}");
  await first.close();
  const data = openReadOnly(dataDir);
  for (const record of data.read(space, { collections: [readings], tombstones: true })) {
    expect(record.key).toBe("a");
    break;
  }
  data.close();
  const second = await openStore();
  await push(second, "c", "{}");
  await second.close();
});
