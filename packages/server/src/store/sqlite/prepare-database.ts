import type { DatabaseSync } from "node:sqlite";
import { type DatabaseSchema, recordSchema } from "./schema.ts";
import { StoreOpenError } from "./store-open-error.ts";
import { inReadTransaction, inTransaction } from "./transaction.ts";

const integerPragma = (database: DatabaseSync, name: string): number =>
  Number(database.prepare(`PRAGMA ${name}`).get()?.[name]);

const isEmpty = (database: DatabaseSync): boolean =>
  database.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get() === undefined;

/** Throws unless the file is ours, and of a version that this program knows, or is empty. Changes nothing. */
export const checkDatabase = (
  database: DatabaseSync,
  path: string,
  { applicationId, migrations }: DatabaseSchema = recordSchema,
): void => {
  // One moment: of a file that several processes open, another may be making the tables just now.
  const { id, version, isNew } = inReadTransaction(database, () => {
    const found = integerPragma(database, "application_id");
    const at = integerPragma(database, "user_version");
    return { id: found, version: at, isNew: found === 0 && at === 0 && isEmpty(database) };
  });
  if (!isNew && id !== applicationId) {
    throw new StoreOpenError(
      "foreign_file",
      `${path} is not a database of Synchro: name another directory with --data`,
    );
  }
  if (version > migrations.length) {
    throw new StoreOpenError(
      "newer_schema",
      `${path} was made by a newer Synchro (schema ${version}; this one knows ${migrations.length}): update Synchro`,
    );
  }
};

export type Migration = { readonly from: number; readonly to: number };

/** Brings the tables to this program's version, in one transaction. With nothing to do it writes nothing. */
export const migrateDatabase = (
  database: DatabaseSync,
  { applicationId, migrations }: DatabaseSchema = recordSchema,
): Migration => {
  const to = migrations.length;
  const readVersion = (): number => integerPragma(database, "user_version");
  const from = readVersion();
  if (from >= to) return { from, to };
  return inTransaction(database, () => {
    // Of a file that several processes open, another may have been quicker.
    const found = readVersion();
    for (const step of migrations.slice(found)) database.exec(step);
    database.exec(`
      PRAGMA application_id = ${applicationId};
      PRAGMA user_version = ${to};
    `);
    return { from: found, to };
  });
};
