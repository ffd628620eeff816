import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { OpenedStore, StoreHarness } from "../store-harness.contract.ts";
import type { StoreOptions } from "../store.ts";
import { openSqliteStore, openSqliteStoreOver, type SqliteOptions } from "./open-sqlite-store.ts";

/** For stores whose disk never fails. */
export const onFatal = (error: Error): void => {
  throw error;
};

export const createDataDir = (): string => mkdtempSync(join(tmpdir(), "synchro-store-"));

const overMemory = async (
  database: DatabaseSync,
  options: StoreOptions,
  bytesMax: number | null,
): Promise<OpenedStore> => {
  const store = openSqliteStoreOver(database, { ...options, bytesMax, onFatal });
  return {
    store,
    reopen: async (next) => {
      await store.close();
      return overMemory(database, next, bytesMax);
    },
    dispose: () => store.close(),
  };
};

/** Over one connection to a database in memory. */
export const memoryHarness: StoreHarness = {
  open: (options, ground) =>
    overMemory(new DatabaseSync(":memory:"), options, ground?.bytesMax ?? null),
};

const inDirectory = async (
  options: Omit<SqliteOptions, "onFatal" | "dataDir">,
  writer: SqliteOptions["writer"],
  dataDir: string,
): Promise<OpenedStore> => {
  const store = await openSqliteStore({ ...options, dataDir, onFatal });
  return {
    store,
    reopen: async (next, lifetime) => {
      await store.close();
      const briefly = lifetime === "brief" ? "inline" : writer;
      return inDirectory({ ...options, ...next, writer: briefly }, writer, dataDir);
    },
    dispose: async () => {
      await store.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
};

/** On a file in a directory of its own. */
export const fileHarness = (writer: SqliteOptions["writer"]): StoreHarness => ({
  open: (options, ground) =>
    inDirectory(
      { ...options, writer, bytesMax: ground?.bytesMax ?? null },
      writer,
      createDataDir(),
    ),
});
