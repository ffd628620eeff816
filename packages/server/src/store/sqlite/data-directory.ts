import { closeSync, fsyncSync, mkdirSync, openSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/** The database within a data directory. */
export const databasePath = (dataDir: string): string => join(dataDir, "synchro.db");

/** Makes the entries of a directory durable. */
export const syncDirectory = (path: string): void => {
  // Windows can't sync a directory, and keeps its entries without.
  if (process.platform === "win32") return;
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
};

/** Makes the directory where there is none, durably: the entries of what was made are synced too. */
export const ensureDataDirectory = (dataDir: string): void => {
  const made = mkdirSync(dataDir, { recursive: true });
  if (made === undefined) return;
  const top = dirname(resolve(made));
  for (let path = dirname(resolve(dataDir)); ; path = dirname(path)) {
    syncDirectory(path);
    if (path === top || path === dirname(path)) return;
  }
};
