import { DatabaseSync } from "node:sqlite";
import { ClientStoreError } from "../client-store-error.ts";
import { isBusy, toClientStoreError } from "./sqlite-failure.ts";

/** Holds a store's file for this process alone, until it is released or the process is gone. */
export type FileLock = { readonly release: () => void };

export const lockPath = (path: string): string => `${path}.lock`;

/**
 * Takes the store at `path`, or refuses if anyone has it, in this process or another. The lock is an
 * exclusive transaction on an empty database beside the file, never committed: the system itself lets
 * go of it when a process dies, however it dies.
 */
export const lockFile = (path: string): FileLock => {
  let database: DatabaseSync | null = null;
  try {
    database = new DatabaseSync(lockPath(path), { timeout: 0 });
    // Without a journal there is nothing to leave behind, and a full disk can still be opened.
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (error) {
    database?.close();
    if (!isBusy(error)) throw toClientStoreError(error, path);
    throw new ClientStoreError(
      "already_open",
      `${path} is open already, here or in another process: one store at a time may have it`,
      { cause: error },
    );
  }
  const held = database;
  return { release: () => held.close() };
};
