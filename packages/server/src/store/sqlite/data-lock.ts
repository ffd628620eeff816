import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { sqliteFailureOf } from "./sqlite-failure.ts";
import { StoreOpenError, toOpenError } from "./store-open-error.ts";

/** Holds a directory's data for this process alone, until it is released or the process is gone. */
export type DataLock = { readonly release: () => void };

/**
 * Takes the data in `dataDir`, or refuses if anyone has it, in this process or another. The lock is
 * an exclusive transaction on an empty database beside the data, never committed: the system itself
 * lets go of it when a process dies, however it dies, and it hinders none of our own readers.
 */
export const lockData = (dataDir: string): DataLock => {
  const path = join(dataDir, "synchro.lock");
  let database: DatabaseSync | null = null;
  try {
    database = new DatabaseSync(path, { timeout: 0 });
    // Without a journal there is nothing to leave behind, and a full disk can still be opened.
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (error) {
    database?.close();
    if (sqliteFailureOf(error) !== "busy") throw toOpenError(error, dataDir);
    throw new StoreOpenError(
      "already_open",
      `the data in ${dataDir} is open in another process: stop it, or name another directory with --data`,
      { cause: error },
    );
  }
  const held = database;
  return { release: () => held.close() };
};
