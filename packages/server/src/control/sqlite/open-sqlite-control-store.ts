import { chownSync, closeSync, openSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ensureDataDirectory } from "../../store/sqlite/data-directory.ts";
import { assertNotMoved } from "../../store/sqlite/moved-mark.ts";
import { checkDatabase, migrateDatabase } from "../../store/sqlite/prepare-database.ts";
import { toOpenError } from "../../store/sqlite/store-open-error.ts";
import type { ControlStore } from "../control-store.ts";
import { controlSchema } from "./control-schema.ts";
import { SqliteControlStore } from "./sqlite-control-store.ts";

/** How long a call waits for another process that writes: each holds the file for one commit. */
const BUSY_MS_MAX = 3_000;

const FILE_MODE = 0o600;

/** The control database within a data directory. */
export const controlPath = (dataDir: string): string => join(dataDir, "control.db");

/**
 * Makes the file where there is none, for its owner alone: SQLite gives its log the same mode. One
 * that root makes beside others' data is theirs, so that their server can open it. A file that is
 * there keeps the mode that it was given.
 */
const createFile = (dataDir: string, path: string): void => {
  let descriptor: number;
  try {
    descriptor = openSync(path, "wx", FILE_MODE);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return;
    throw error;
  }
  closeSync(descriptor);
  if (process.geteuid?.() !== 0) return;
  const { uid, gid } = statSync(dataDir);
  chownSync(path, uid, gid);
};

/**
 * Opens what the server in `dataDir` knows besides records, or makes it; `StoreOpenError` tells why
 * it can't, in one line. Any number of processes may have it open.
 */
export const openSqliteControlStore = async ({
  dataDir,
  bytesMax = null,
  busyMs = BUSY_MS_MAX,
}: {
  readonly dataDir: string;
  /** Bytes that the file may grow to; null: as the disk has. */
  readonly bytesMax?: number | null;
  /** Milliseconds that a call waits for another process. The thread waits with it. */
  readonly busyMs?: number;
}): Promise<ControlStore> => {
  const path = controlPath(dataDir);
  let database: DatabaseSync | null = null;
  try {
    ensureDataDirectory(dataDir);
    assertNotMoved(dataDir);
    createFile(dataDir, path);
    database = new DatabaseSync(path, { timeout: busyMs, enableForeignKeyConstraints: false });
    checkDatabase(database, path, controlSchema);
    database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA fullfsync = ON;
      PRAGMA checkpoint_fullfsync = ON;
      PRAGMA temp_store = MEMORY;
      PRAGMA trusted_schema = OFF;
    `);
    migrateDatabase(database, controlSchema);
    if (bytesMax !== null) limitPages(database, bytesMax);
    return new SqliteControlStore(database);
  } catch (error) {
    database?.close();
    throw toOpenError(error, database === null ? dataDir : path);
  }
};

const limitPages = (database: DatabaseSync, bytesMax: number): void => {
  const pageBytes = Number(database.prepare("PRAGMA page_size").get()?.["page_size"]);
  database.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(bytesMax / pageBytes))}`);
};
