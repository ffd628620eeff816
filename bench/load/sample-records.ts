/** A record as every contestant stores it: about 150 bytes in the form that Synchro sends. */
export type SampleRecord = {
  readonly key: string;
  readonly updatedAt: string;
  readonly value: { readonly expiration_date: string; readonly quantity: number };
};

const MICROS = 1_000_000;

/**
 * How the keys of new records follow each other. Keys that ascend are added at one end of an index;
 * keys in no order touch about one page of it each, and every page touched is written and synced
 * whole. The numbers of a shop's goods lie between the two: they share the prefixes of their makers.
 */
export type KeyOrder = "ascending" | "in no order";

/** Never the same, in either order: the product is a bijection of 48 bits. */
const keyOf = (number: number, keys: KeyOrder): string =>
  String(keys === "ascending" ? number : (BigInt(number) * 0x9e3779b97f4bn) & 0xffffffffffffn);

/** The record of a number. Stamps are in the order of time, as edits are, and long past. */
export const sampleRecord = (number: number, keys: KeyOrder = "in no order"): SampleRecord => {
  const seconds = Math.floor(number / MICROS);
  const [minute, second] = [Math.floor(seconds / 60), seconds % 60];
  const clock = [minute, second].map((part) => String(part).padStart(2, "0")).join(":");
  return {
    key: keyOf(number, keys).padStart(15, "0"),
    updatedAt: `2025-11-24T10:${clock}.${String(number % MICROS).padStart(6, "0")}Z`,
    value: { expiration_date: "2026-12-01", quantity: number % 100 },
  };
};

/** Numbers that were not given before, for one contestant. */
export const numberSource = (): ((count: number) => readonly number[]) => {
  let next = 1;
  return (count) => {
    const first = next;
    next += count;
    return Array.from({ length: count }, (_, index) => first + index);
  };
};

/** A push to Synchro, of which nothing but the results is asked. */
export const syncBody = (numbers: readonly number[], keys?: KeyOrder): string =>
  JSON.stringify({
    client_id: "bench",
    pull: false,
    changes: numbers.map((number) => {
      const { key, updatedAt, value } = sampleRecord(number, keys);
      return { collection: "readings", key, updated_at: updatedAt, base: null, value };
    }),
  });

/** The same records as new documents of CouchDB's `_bulk_docs`. */
export const bulkDocsBody = (numbers: readonly number[], keys?: KeyOrder): string =>
  JSON.stringify({
    docs: numbers.map((number) => {
      const { key, updatedAt, value } = sampleRecord(number, keys);
      return { _id: key, updated_at: updatedAt, ...value };
    }),
  });
