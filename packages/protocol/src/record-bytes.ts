import { type StoredRecord, utf8Length } from "@synchro/core";

/** What a record costs beside value and key: names, quotes, collection, seq, stamp and author. */
const ENVELOPE_BYTES = 160;

/**
 * The bytes that a page counts for a record: value and key in UTF-8 and a constant for the rest,
 * so an estimate of its place on the wire that is never far off. `byteLength` may be a faster
 * counter of UTF-8 bytes.
 */
export const recordBytes = (
  record: StoredRecord,
  byteLength: (text: string) => number = utf8Length,
): number =>
  ENVELOPE_BYTES + byteLength(record.key) + (record.value === null ? 0 : byteLength(record.value));
