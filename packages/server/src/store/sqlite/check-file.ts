import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { checkDatabase } from "./prepare-database.ts";
import { type DatabaseSchema, recordSchema } from "./schema.ts";
import { StoreOpenError, toOpenError } from "./store-open-error.ts";

/** Lines of SQLite's own check that are told. */
const PROBLEMS_MAX = 3;

/**
 * A connection to a file that nobody writes, and that nothing is written beside: no log, no lock.
 * For the files of a backup.
 */
export const openStill = (path: string): DatabaseSync => {
  const url = pathToFileURL(path);
  url.searchParams.set("immutable", "1");
  return new DatabaseSync(url, { readOnly: true });
};

/**
 * Looks whether a file that nobody writes is a whole database of ours, of a version that this
 * program knows. Returns the version.
 *
 * @throws StoreOpenError in one line.
 */
export const checkFile = (path: string, schema: DatabaseSchema = recordSchema): number => {
  if (!existsSync(path)) throw new StoreOpenError("absent", `${path} is missing`);
  let database: DatabaseSync | null = null;
  try {
    database = openStill(path);
    checkDatabase(database, path, schema);
    const version = Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
    if (version === 0) throw new StoreOpenError("foreign_file", `${path} is an empty database`);
    const problems = database
      .prepare("PRAGMA integrity_check")
      .all()
      .map((row) => String(row["integrity_check"]))
      .filter((line) => line !== "ok");
    if (problems.length > 0) {
      const told = problems.slice(0, PROBLEMS_MAX).join("; ");
      throw new StoreOpenError("damaged", `${path} is damaged: ${told}`);
    }
    return version;
  } catch (error) {
    throw toOpenError(error, path);
  } finally {
    database?.close();
  }
};
