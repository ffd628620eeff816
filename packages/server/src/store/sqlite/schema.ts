/** `SNCR`: how a file says that it is ours. */
export const APPLICATION_ID = 0x53_4e_43_52;

/**
 * The steps that make the tables, one a version, each run once and never altered afterwards.
 *
 * - Text compares by the bytes of its UTF-8, so `ORDER BY key` is the order of code points.
 * - `collections` gives one integer to each pair of space and collection: rows and index entries
 *   stay small, and every read of one collection is one range of an index.
 * - A record is in exactly one of the two indexes by seq, so that a read which wants no tombstones
 *   does not even pass them.
 * - `records_by_stamp` read backwards is the newest stamp first, ties by key.
 * - `buried_at` is the time at which a tombstone was committed; live records have none.
 * - Large columns come last: a row's other columns are then read without its overflow pages.
 * - `field_state` is text of the policy `fields` (`StoredRecord.fieldState`), and null under any other.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE declared (name TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;

  CREATE TABLE spaces (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    head INTEGER NOT NULL,
    floor INTEGER NOT NULL,
    cutoff TEXT
  ) STRICT;

  CREATE TABLE epochs (
    space INTEGER NOT NULL,
    n INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    from_seq INTEGER NOT NULL,
    PRIMARY KEY (space, n)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE collections (
    id INTEGER PRIMARY KEY,
    space INTEGER NOT NULL,
    name TEXT NOT NULL,
    count INTEGER NOT NULL,
    sum TEXT NOT NULL,
    UNIQUE (space, name)
  ) STRICT;

  CREATE TABLE records (
    id INTEGER PRIMARY KEY,
    collection INTEGER NOT NULL,
    key TEXT NOT NULL,
    seq INTEGER NOT NULL,
    stamp TEXT NOT NULL,
    buried_at TEXT,
    author_verified INTEGER,
    author TEXT,
    value TEXT
  ) STRICT;
  CREATE UNIQUE INDEX records_by_key ON records (collection, key);
  CREATE INDEX records_by_seq ON records (collection, seq) WHERE value IS NOT NULL;
  CREATE INDEX tombstones_by_seq ON records (collection, seq) WHERE value IS NULL;
  CREATE INDEX records_by_stamp ON records (collection, stamp, key DESC) WHERE value IS NOT NULL;

  CREATE TABLE history (
    id INTEGER PRIMARY KEY,
    collection INTEGER NOT NULL,
    key TEXT NOT NULL,
    seq INTEGER NOT NULL,
    stamp TEXT NOT NULL,
    author_verified INTEGER,
    author TEXT,
    value TEXT
  ) STRICT;
  CREATE UNIQUE INDEX history_by_seq ON history (collection, key, seq);

  CREATE TABLE evidence (
    id INTEGER PRIMARY KEY,
    collection INTEGER NOT NULL,
    key TEXT NOT NULL,
    stamp TEXT NOT NULL,
    value_hash BLOB NOT NULL,
    reason TEXT NOT NULL,
    kept_at TEXT NOT NULL,
    client_id TEXT,
    author_verified INTEGER,
    author TEXT,
    value TEXT
  ) STRICT;
  CREATE UNIQUE INDEX evidence_by_version ON evidence (collection, key, stamp, value_hash);
  CREATE INDEX evidence_by_age ON evidence (kept_at);
  CREATE INDEX evidence_by_collection ON evidence (collection);

  CREATE TABLE rejections (
    id INTEGER PRIMARY KEY,
    space INTEGER NOT NULL,
    fingerprint BLOB NOT NULL,
    kept_at TEXT NOT NULL,
    client_id TEXT,
    rejection TEXT NOT NULL,
    body TEXT
  ) STRICT;
  CREATE UNIQUE INDEX rejections_by_fingerprint ON rejections (space, fingerprint);
  CREATE INDEX rejections_by_space ON rejections (space);
  `,
  `
  ALTER TABLE records ADD COLUMN field_state TEXT;
  ALTER TABLE history ADD COLUMN field_state TEXT;
  `,
];

/** The version of the tables that this program reads and writes. */
export const SCHEMA_VERSION = migrations.length;

/** What a file says it is, and the steps that make its tables; its version is how many were run. */
export type DatabaseSchema = {
  readonly applicationId: number;
  readonly migrations: readonly string[];
};

/** The tables of records, in `synchro.db`. */
export const recordSchema: DatabaseSchema = { applicationId: APPLICATION_ID, migrations };
