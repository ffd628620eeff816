/** What an error of SQLite means for whoever asked. Codes: https://www.sqlite.org/rescode.html */
export type SqliteFailure =
  /** There is no room; nothing else is wrong. */
  | "full"
  /** A sync failed: what the disk holds is unknown, and asking again may answer wrongly that all is well. */
  | "sync"
  /** Held by another process. */
  | "busy"
  | "not_a_database"
  | "damaged"
  | "not_writable"
  | "other";

const PRIMARY_MASK = 0xff;

const byPrimaryCode: ReadonlyMap<number, SqliteFailure> = new Map([
  [5, "busy"], // SQLITE_BUSY
  [6, "busy"], // SQLITE_LOCKED
  [8, "not_writable"], // SQLITE_READONLY
  [11, "damaged"], // SQLITE_CORRUPT
  [13, "full"], // SQLITE_FULL: ENOSPC, or the cap on pages
  [14, "not_writable"], // SQLITE_CANTOPEN
  [26, "not_a_database"], // SQLITE_NOTADB
]);

const byExtendedCode: ReadonlyMap<number, SqliteFailure> = new Map([
  // The log, its index or the file could not grow. A quota's EDQUOT comes as a failed write.
  [778, "full"], // SQLITE_IOERR_WRITE
  [4874, "full"], // SQLITE_IOERR_SHMSIZE
  [5386, "full"], // SQLITE_IOERR_SHMMAP
  [1034, "sync"], // SQLITE_IOERR_FSYNC
  [1290, "sync"], // SQLITE_IOERR_DIR_FSYNC
]);

/** Reads the code that `node:sqlite` puts on its errors; anything else is `other`. */
export const sqliteFailureOf = (error: unknown): SqliteFailure => {
  const code = error instanceof Error && "errcode" in error ? error.errcode : null;
  if (typeof code !== "number") return "other";
  // The exact code comes first: a log that can't grow and a sync that failed share the primary one.
  return byExtendedCode.get(code) ?? byPrimaryCode.get(code & PRIMARY_MASK) ?? "other";
};
