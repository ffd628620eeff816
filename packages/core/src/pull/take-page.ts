import type { Seq, StoredRecord } from "../record.ts";

export type PageLimits = {
  /** Records that a page holds at most; at least 1. */
  readonly recordsMax: number;
  /** Bytes of records, as `bytesOf` counts them, past which a page ends; it holds at least one record. */
  readonly bytesMax: number;
  readonly bytesOf: (record: StoredRecord) => number;
  /** Seqs that `results` of the same answer already tell: left out, and the page moves past them. */
  readonly told: ReadonlySet<Seq>;
};

export type Page = {
  readonly records: readonly StoredRecord[];
  /** True if a record is left that the page has no room for. */
  readonly more: boolean;
  /** The last seq that the page has dealt with; `after` if there was none. */
  readonly lastSeq: Seq;
};

/** Cuts one page from records by ascending seq, read lazily: nothing is taken beyond the record that does not fit. */
export const takePage = (after: Seq, rows: Iterable<StoredRecord>, limits: PageLimits): Page => {
  const records: StoredRecord[] = [];
  let bytes = 0;
  let lastSeq = after;
  for (const row of rows) {
    if (!limits.told.has(row.seq)) {
      bytes += limits.bytesOf(row);
      const isFull = records.length >= limits.recordsMax || bytes > limits.bytesMax;
      if (isFull && records.length > 0) return { records, more: true, lastSeq };
      records.push(row);
    }
    lastSeq = row.seq;
  }
  return { records, more: false, lastSeq };
};
