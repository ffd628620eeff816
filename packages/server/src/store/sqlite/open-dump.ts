import type { DatabaseSync } from "node:sqlite";
import { openReader } from "./open-database.ts";
import { checkDatabase } from "./prepare-database.ts";
import { type DatabaseSchema, recordSchema } from "./schema.ts";
import { StoreOpenError, toOpenError } from "./store-open-error.ts";
import { rollBack } from "./transaction.ts";

const CACHE_KIB = 32 * 1024;

/** A file, and one moment of it. */
export type OpenDump = { readonly database: DatabaseSync; readonly close: () => void };

/**
 * Opens a file of ours at one moment, without a write.
 *
 * @throws StoreOpenError if it is not of exactly this program's version.
 */
export const openDump = (path: string, schema: DatabaseSchema = recordSchema): OpenDump => {
  let opened: DatabaseSync | null = null;
  try {
    const database = openReader(path, CACHE_KIB);
    opened = database;
    checkDatabase(database, path, schema);
    database.exec("BEGIN");
    const version = Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
    if (version !== schema.migrations.length) {
      throw new StoreOpenError(
        "older_schema",
        `${path} is of an older Synchro (schema ${version}; this one reads ${schema.migrations.length}): run synchro migrate`,
      );
    }
    return {
      database,
      close: () => {
        rollBack(database);
        database.close();
      },
    };
  } catch (error) {
    opened?.close();
    throw toOpenError(error, path);
  }
};
