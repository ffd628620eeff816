import {
  type JsonObject,
  parseInstant,
  type Seq,
  type Stamp,
  type StoredRecord,
} from "@synchro/core";

/** A live record of `readings` as `/v1` knows it: both its dates are instants. */
export type Reading = {
  readonly gtin: string;
  readonly seq: Seq;
  readonly stamp: Stamp;
  /** Null where the stored value has no such date, as only a value of an older schema can. */
  readonly expiresAt: Stamp | null;
};

/** A stored record as a reading, without the members that `/v1` does not show; null: it is a tombstone. */
export const readingOf = (record: StoredRecord): Reading | null => {
  if (record.value === null) return null;
  const { expiration_date: date } = JSON.parse(record.value) as JsonObject;
  const expiresAt = typeof date === "string" ? parseInstant(date) : null;
  return { gtin: record.key, seq: record.seq, stamp: record.stamp, expiresAt };
};
