import { sqliteFailureOf } from "./sqlite-failure.ts";

export type StoreOpenCode =
  | "absent"
  | "newer_schema"
  | "older_schema"
  | "foreign_file"
  | "already_open"
  | "not_writable"
  | "full"
  | "moved"
  | "damaged";

/** Why data can't be opened, in one line for the person who started the server. */
export class StoreOpenError extends Error {
  override readonly name = "StoreOpenError";
  readonly code: StoreOpenCode;

  constructor(code: StoreOpenCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const codeOfSystemError = (error: unknown): string | null =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : null;

const fullCodes: ReadonlySet<string | null> = new Set(["ENOSPC", "EDQUOT"]);
const refusedCodes: ReadonlySet<string | null> = new Set([
  "EACCES",
  "EEXIST",
  "ENOTDIR",
  "EPERM",
  "EROFS",
]);

/** The refusal that an error of SQLite or of the file system at `path` amounts to; an unforeseen one comes back as it is. */
export const toOpenError = (error: unknown, path: string): unknown => {
  if (error instanceof StoreOpenError) return error;
  const refuse = (code: StoreOpenCode, message: string): StoreOpenError =>
    new StoreOpenError(code, message, { cause: error });
  const systemCode = codeOfSystemError(error);
  if (fullCodes.has(systemCode)) return refuse("full", `no room on the disk for ${path}`);
  if (refusedCodes.has(systemCode)) return refuse("not_writable", `can't write in ${path}`);
  switch (sqliteFailureOf(error)) {
    case "full":
      return refuse("full", `no room on the disk for ${path}`);
    case "busy":
      return refuse("already_open", `${path} is locked by another process`);
    case "not_a_database":
      return refuse("foreign_file", `${path} is not a database of Synchro`);
    case "damaged":
      return refuse("damaged", `${path} is damaged: restore a backup of it`);
    case "not_writable":
      return refuse("not_writable", `can't write in ${path}`);
    case "sync":
    case "other":
      return error;
  }
};
