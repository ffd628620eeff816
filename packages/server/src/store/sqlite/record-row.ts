import type { Author, CollectionName, Seq, Stamp, StoredRecord } from "@synchro/core";

/** The columns of a version, in `records` and in `history`, as {@link RecordRow} holds them. */
export const RECORD_COLUMNS = "key, seq, stamp, author_verified, author, value, field_state";

export type RecordRow = [
  key: string,
  seq: Seq,
  stamp: Stamp,
  authorVerified: number | null,
  author: string | null,
  value: string | null,
  fieldState: string | null,
];

export const authorFromRow = (name: string | null, verified: number | null): Author | null =>
  name === null ? null : { name, verified: verified === 1 };

export const recordFromRow = (collection: CollectionName, row: RecordRow): StoredRecord => ({
  collection,
  key: row[0],
  seq: row[1],
  stamp: row[2],
  value: row[5],
  fieldState: row[6],
  author: authorFromRow(row[4], row[3]),
});

/** An author as the two columns hold it. */
export const authorToRow = (
  author: Author | null,
): readonly [verified: number | null, name: string | null] =>
  author === null ? [null, null] : [author.verified ? 1 : 0, author.name];
