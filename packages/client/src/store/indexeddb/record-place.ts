import type { CollectionName } from "@synchro/core";
import type { RecordName } from "../held-record.ts";

/** Units from here on are surrogates, or stand above them. */
const hasHighUnit = /[\ud800-\uffff]/;
const highCharacter = /[\u{e000}-\u{10ffff}]/gu;

/**
 * A text whose order by UTF-16 units, which is IndexedDB's, is the order of `key` by code points:
 * what stands above the surrogates is marked with U+E000, and what needs them with U+E001.
 */
const keyInOrder = (key: string): string =>
  hasHighUnit.test(key)
    ? key.replace(highCharacter, (found) => `${found.length === 1 ? "\ue000" : "\ue001"}${found}`)
    : key;

/** The IndexedDB key of a record: its collections apart, within one the order of its keys by code points. */
export const recordPlace = ({ collection, key }: RecordName): string =>
  `${collection}\u0000${keyInOrder(key)}`;

/** The collection of the record at a place. */
export const collectionAt = (place: IDBValidKey): CollectionName => {
  if (typeof place !== "string") throw new TypeError("a record at a place that is no text");
  return place.slice(0, place.indexOf("\u0000")) as CollectionName;
};

/** All places of a collection after the key `after`; null: all. */
export const placesAfter = (collection: CollectionName, after: string | null): IDBKeyRange =>
  IDBKeyRange.bound(
    after === null ? `${collection}\u0000` : recordPlace({ collection, key: after }),
    `${collection}\u0001`,
    true,
    true,
  );
