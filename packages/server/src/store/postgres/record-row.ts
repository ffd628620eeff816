import type { Author, CollectionName, Seq, Stamp, StoredRecord } from "@synchro/core";

/** The columns of a version, in `records` and in `history`, as {@link RecordRow} holds them. */
export const RECORD_COLUMNS =
  "collection, key, seq, stamp, author_verified, author, field_state, value";

export type RecordRow = readonly [
  collection: CollectionName,
  key: string,
  seq: Seq,
  stamp: Stamp,
  authorVerified: boolean | null,
  author: string | null,
  fieldState: string | null,
  value: string | null,
];

export const authorFromRow = (name: string | null, verified: boolean | null): Author | null =>
  name === null ? null : { name, verified: verified === true };

export const recordFromRow = (row: RecordRow): StoredRecord => ({
  collection: row[0],
  key: row[1],
  seq: row[2],
  stamp: row[3],
  value: row[7],
  fieldState: row[6],
  author: authorFromRow(row[5], row[4]),
});
