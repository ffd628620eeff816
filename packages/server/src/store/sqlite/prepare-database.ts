import type { DatabaseSync } from "node:sqlite";
import { APPLICATION_ID, migrations, SCHEMA_VERSION } from "./schema.ts";
import { StoreOpenError } from "./store-open-error.ts";
import { inTransaction } from "./transaction.ts";

const integerPragma = (database: DatabaseSync, name: string): number =>
  Number(database.prepare(`PRAGMA ${name}`).get()?.[name]);

const isEmpty = (database: DatabaseSync): boolean =>
  database.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get() === undefined;

/** Throws unless the file is ours, and of a version that this program knows, or is empty. Changes nothing. */
export const checkDatabase = (database: DatabaseSync, path: string): void => {
  const id = integerPragma(database, "application_id");
  const version = integerPragma(database, "user_version");
  const isNew = id === 0 && version === 0 && isEmpty(database);
  if (!isNew && id !== APPLICATION_ID) {
    throw new StoreOpenError(
      "foreign_file",
      `${path} is not a database of Synchro: name another directory with --data`,
    );
  }
  if (version > SCHEMA_VERSION) {
    throw new StoreOpenError(
      "newer_schema",
      `${path} was made by a newer Synchro (schema ${version}; this one knows ${SCHEMA_VERSION}): update Synchro`,
    );
  }
};

export type Migration = { readonly from: number; readonly to: number };

/** Brings the tables to this program's version, in one transaction. With nothing to do it writes nothing. */
export const migrateDatabase = (database: DatabaseSync): Migration => {
  const from = integerPragma(database, "user_version");
  if (from < SCHEMA_VERSION) {
    inTransaction(database, () => {
      for (const step of migrations.slice(from)) database.exec(step);
      database.exec(`
        PRAGMA application_id = ${APPLICATION_ID};
        PRAGMA user_version = ${SCHEMA_VERSION};
      `);
    });
  }
  return { from, to: SCHEMA_VERSION };
};
