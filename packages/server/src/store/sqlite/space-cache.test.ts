import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type { SpaceId } from "@synchro/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openReader, openWriter } from "./open-database.ts";
import { migrateDatabase } from "./prepare-database.ts";
import { createSpaceCache, createSpaceNoCache } from "./space-cache.ts";

const shop = "shop-1" as SpaceId;
let folder: string;
let writer: DatabaseSync;
let reader: DatabaseSync;

/** As a queue says it while its writer is at work: SQLite must be asked. */
const unsettled = (): null => null;

const commit = (head: number): void =>
  writer.exec(`INSERT INTO spaces (name, head, floor) VALUES ('${shop}', ${head}, 0)
    ON CONFLICT (name) DO UPDATE SET head = excluded.head`);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "synchro-cache-"));
  writer = openWriter(join(folder, "synchro.db"), null);
  migrateDatabase(writer);
  reader = openReader(join(folder, "synchro.db"), 1_024);
});

afterEach(() => {
  reader.close();
  writer.close();
  rmSync(folder, { recursive: true });
});

describe("what is remembered of a space", () => {
  test("is forgotten when another connection has committed, even before it was ever loaded anew", () => {
    const cache = createSpaceCache(reader, unsettled);
    commit(1);
    expect(cache.load(shop)?.state.head).toBe(1);
    commit(2);
    expect(cache.peek(shop)).toBeNull();
    expect(cache.load(shop)?.state.head).toBe(2);
  });

  test("does not hide a space that was made after it was looked for", () => {
    const cache = createSpaceCache(reader, unsettled);
    expect(cache.load(shop)).toBeNull();
    commit(1);
    expect(cache.load(shop)?.state.head).toBe(1);
  });

  test("is of the moment of the transaction that it is asked in, and of none later", () => {
    const cache = createSpaceCache(reader, unsettled);
    commit(1);
    reader.exec("BEGIN");
    expect(cache.load(shop)?.state.head).toBe(1);
    commit(2);
    expect(cache.load(shop)?.state.head).toBe(1);
    expect(cache.peek(shop)?.state.head).toBe(1);
    reader.exec("COMMIT");
    expect(cache.peek(shop)).toBeNull();
  });

  test("is not of a transaction that was begun before the last commit, once that has ended", () => {
    const cache = createSpaceCache(reader, unsettled);
    commit(1);
    reader.exec("BEGIN");
    reader.exec("SELECT head FROM spaces");
    commit(2);
    expect(cache.load(shop)?.state.head).toBe(1);
    reader.exec("COMMIT");
    expect(cache.load(shop)?.state.head).toBe(2);
  });

  test("is the same object for as long as nothing was committed", () => {
    const cache = createSpaceCache(reader, unsettled);
    commit(1);
    const first = cache.load(shop);
    writer.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    cache.load(shop);
    const second = cache.load(shop);
    expect(cache.peek(shop)).toBe(second);
    expect(second).toEqual(first);
  });
});

describe("while the queue says that nothing was written", () => {
  test("SQLite is not asked, and once it says otherwise it is", () => {
    let groups: number | null = 0;
    const cache = createSpaceCache(reader, () => groups);
    commit(1);
    expect(cache.load(shop)?.state.head).toBe(1);
    // Behind the queue's back, which nobody does: that is how to see who was asked.
    commit(2);
    expect(cache.peek(shop)?.state.head).toBe(1);
    groups = null;
    expect(cache.peek(shop)).toBeNull();
    expect(cache.load(shop)?.state.head).toBe(2);
    commit(3);
    groups = 1;
    expect(cache.load(shop)?.state.head).toBe(3);
  });

  test("what was looked at while it wrote is looked at again when it has settled", () => {
    let groups: number | null = 0;
    const cache = createSpaceCache(reader, () => groups);
    commit(1);
    cache.load(shop);
    groups = null;
    cache.load(shop);
    commit(2);
    groups = 1;
    expect(cache.load(shop)?.state.head).toBe(2);
  });
});

test("a connection that writes remembers nothing: it would not see its own commits", () => {
  const cache = createSpaceNoCache(writer);
  commit(1);
  expect(cache.load(shop)?.state.head).toBe(1);
  expect(cache.peek(shop)).toBeNull();
  commit(2);
  expect(cache.load(shop)?.state.head).toBe(2);
});
