import { ClientStoreError } from "../client-store-error.ts";

const PRIMARY_MASK = 0xff;

/** Result codes of SQLite: https://www.sqlite.org/rescode.html */
const FULL = 13; // ENOSPC, or the cap on pages
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const CORRUPT = 11;
const CANTOPEN = 14;
const NOTADB = 26;
/** The log, its index or the file could not grow; a quota's EDQUOT comes as a failed write. */
const IOERR_NO_ROOM: ReadonlySet<number> = new Set([778, 4874, 5386]);
/** A sync of the file or of its directory failed. */
const IOERR_FSYNC: ReadonlySet<number> = new Set([1034, 1290]);

const codeOf = (error: unknown): number | null =>
  error instanceof Error && "errcode" in error && typeof error.errcode === "number"
    ? error.errcode
    : null;

export const isBusy = (error: unknown): boolean => {
  const primary = (codeOf(error) ?? 0) & PRIMARY_MASK;
  return primary === BUSY || primary === LOCKED;
};

/** What an error of SQLite at `path` means for whoever called the store; an unforeseen one comes back as it is. */
export const toClientStoreError = (error: unknown, path: string): unknown => {
  const code = codeOf(error);
  if (code === null) return error;
  const cause = { cause: error };
  if (IOERR_FSYNC.has(code)) {
    return new ClientStoreError(
      "lost",
      `a sync of ${path} failed: what the disk holds is unknown until it is opened anew`,
      cause,
    );
  }
  if (IOERR_NO_ROOM.has(code)) {
    return new ClientStoreError("full", `no room on the disk for ${path}`, cause);
  }
  switch (code & PRIMARY_MASK) {
    case FULL:
      return new ClientStoreError("full", `no room on the disk for ${path}`, cause);
    case BUSY:
    case LOCKED:
      return new ClientStoreError("already_open", `${path} is locked by another process`, cause);
    case READONLY:
    case CANTOPEN:
      return new ClientStoreError("not_writable", `can't open or write ${path}`, cause);
    case CORRUPT:
      return new ClientStoreError("damaged", `${path} is damaged`, cause);
    case NOTADB:
      return new ClientStoreError("foreign_file", `${path} is not a store of Synchro`, cause);
    default:
      return error;
  }
};
