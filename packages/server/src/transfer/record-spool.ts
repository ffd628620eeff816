import { DatabaseSync } from "node:sqlite";
import {
  type CollectionName,
  type Digest,
  EMPTY_DIGEST,
  replaceInDigest,
  type Runtime,
  type Stamp,
  type StoredRecord,
} from "@synchro/core";

/** Records that are put down before they are told, as they would not fit into memory. */
export type RecordSpool = {
  /** A later version of a record takes the place of the earlier. */
  readonly put: (record: StoredRecord) => void;
  readonly clear: () => void;
  /** Takes the tombstones out. */
  readonly dropTombstones: () => void;
  readonly count: () => number;
  readonly read: () => Iterable<StoredRecord>;
  /** The digest of the live records of a collection. */
  readonly digest: (collection: CollectionName, sha256: Runtime["sha256"]) => Digest;
  readonly close: () => void;
};

type Row = [
  collection: CollectionName,
  key: string,
  seq: number,
  stamp: Stamp,
  value: string | null,
  fieldState: string | null,
  author: string | null,
  verified: number | null,
];

const recordOf = ([
  collection,
  key,
  seq,
  stamp,
  value,
  fieldState,
  author,
  verified,
]: Row): StoredRecord => ({
  collection,
  key,
  seq,
  stamp,
  value,
  fieldState,
  author: author === null ? null : { name: author, verified: verified === 1 },
});

const CACHE_KIB = 8 * 1024;

/**
 * A spool in a database without a name: a file of the system's temporary folder that is nobody's
 * to see, and is gone with the process, however that ends.
 */
export const createRecordSpool = (): RecordSpool => {
  const database = new DatabaseSync("");
  database.exec(`
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    PRAGMA cache_size = -${CACHE_KIB};
    CREATE TABLE records (
      collection TEXT NOT NULL, key TEXT NOT NULL, seq INTEGER NOT NULL, stamp TEXT NOT NULL,
      author TEXT, verified INTEGER, value TEXT, field_state TEXT
    ) STRICT;
    CREATE UNIQUE INDEX by_key ON records (collection, key);
    CREATE INDEX by_seq ON records (seq);
  `);
  const put = database.prepare(
    `INSERT INTO records (collection, key, seq, stamp, value, field_state, author, verified)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (collection, key) DO UPDATE SET seq = excluded.seq,
     stamp = excluded.stamp, value = excluded.value, field_state = excluded.field_state,
     author = excluded.author, verified = excluded.verified WHERE excluded.seq > records.seq`,
  );
  const count = database.prepare("SELECT count(*) AS count FROM records");
  const columns = "collection, key, seq, stamp, value, field_state, author, verified";
  const read = function* (where: string, ...values: readonly string[]): Generator<StoredRecord> {
    const statement = database.prepare(`SELECT ${columns} FROM records ${where} ORDER BY seq`);
    statement.setReturnArrays(true);
    for (const row of statement.iterate(...values)) yield recordOf(row as unknown as Row);
  };
  return {
    put: ({ collection, key, seq, stamp, value, fieldState, author }) => {
      const verified = author === null ? null : Number(author.verified);
      put.run(collection, key, seq, stamp, value, fieldState, author?.name ?? null, verified);
    },
    clear: () => database.exec("DELETE FROM records"),
    dropTombstones: () => database.exec("DELETE FROM records WHERE value IS NULL"),
    count: () => Number(count.get()?.["count"]),
    read: () => read(""),
    digest: (collection, sha256) => {
      let digest = EMPTY_DIGEST;
      for (const record of read("WHERE collection = ? AND value IS NOT NULL", collection)) {
        digest = replaceInDigest(sha256, digest, null, record);
      }
      return digest;
    },
    close: () => database.close(),
  };
};
