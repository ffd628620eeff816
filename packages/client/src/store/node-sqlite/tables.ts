import type { DatabaseSync } from "node:sqlite";
import { ClientStoreError } from "../client-store-error.ts";
import { newStoreMeta, type StoreMeta } from "../store-meta.ts";

/** `SNCC`: how a file says that it is a client's. */
const APPLICATION_ID = 0x53_4e_43_43;

/**
 * The steps that make the tables, one a version, each run once and never altered afterwards.
 *
 * - Text compares by the bytes of its UTF-8, so `ORDER BY key` is the order of code points.
 * - Records lie in the order in which they came, and only their names in the order of keys: pages of
 *   a first sync come with keys in no order, and a tree of whole records took three times as long.
 * - An entry and a letter are kept whole, as JSON: nothing but their names is ever asked for.
 */
const migrations: readonly string[] = [
  `
  CREATE TABLE meta (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE records (
    id INTEGER PRIMARY KEY,
    collection TEXT NOT NULL,
    key TEXT NOT NULL,
    seq INTEGER NOT NULL,
    stamp TEXT NOT NULL,
    mark INTEGER NOT NULL,
    author_verified INTEGER,
    author TEXT,
    value TEXT
  ) STRICT;
  CREATE UNIQUE INDEX records_by_key ON records (collection, key);

  CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    collection TEXT NOT NULL,
    key TEXT NOT NULL,
    entry TEXT NOT NULL
  ) STRICT;
  CREATE INDEX outbox_by_record ON outbox (collection, key);

  CREATE TABLE dead_letters (id INTEGER PRIMARY KEY, letter TEXT NOT NULL) STRICT;
  `,
  "ALTER TABLE records ADD COLUMN field_state TEXT",
];

const integerPragma = (database: DatabaseSync, name: string): number =>
  Number(database.prepare(`PRAGMA ${name}`).get()?.[name]);

const isEmpty = (database: DatabaseSync): boolean =>
  database.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get() === undefined;

/** Throws unless the file is a client's, and of a version that this program knows, or is empty. Changes nothing. */
export const checkTables = (database: DatabaseSync, path: string): void => {
  const id = integerPragma(database, "application_id");
  const version = integerPragma(database, "user_version");
  const isNew = id === 0 && version === 0 && isEmpty(database);
  if (!isNew && id !== APPLICATION_ID) {
    throw new ClientStoreError("foreign_file", `${path} is not a store of Synchro's client`);
  }
  if (version > migrations.length) {
    throw new ClientStoreError(
      "newer_schema",
      `${path} was made by a newer Synchro (schema ${version}; this one knows ${migrations.length}): update the program`,
    );
  }
};

/** Sets members of meta; each is a row. */
export const createPutMeta = (database: DatabaseSync): ((members: Partial<StoreMeta>) => void) => {
  const put = database.prepare(
    "INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
  );
  return (members) => {
    for (const [name, value] of Object.entries(members)) put.run(name, JSON.stringify(value));
  };
};

/** Brings the tables to this program's version, and a new file to life, in one transaction. */
export const migrateTables = (database: DatabaseSync, createClientId: () => string): void => {
  const version = integerPragma(database, "user_version");
  if (version === migrations.length) return;
  database.exec("BEGIN IMMEDIATE");
  try {
    for (const step of migrations.slice(version)) database.exec(step);
    if (version === 0) createPutMeta(database)(newStoreMeta(createClientId()));
    database.exec(`
      PRAGMA application_id = ${APPLICATION_ID};
      PRAGMA user_version = ${migrations.length};
      COMMIT;
    `);
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
};
