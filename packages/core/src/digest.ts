import type { Runtime } from "./runtime.ts";
import type { StoredRecord } from "./record.ts";

/** What a collection's live records come to, tombstones aside. */
export type Digest = {
  readonly count: number;
  /** The sum mod 2^64 of {@link recordSum} over the live records. */
  readonly sum: bigint;
};

export const EMPTY_DIGEST: Digest = { count: 0, sum: 0n };

/** As much of a record as a digest is made of. */
type DigestedRecord = Pick<StoredRecord, "collection" | "key" | "seq" | "value">;

/** Four bytes, big-endian. */
const wordAt = (bytes: Uint8Array, at: number): number => {
  const byte = (index: number): number => bytes[at + index] ?? 0;
  return ((byte(0) << 24) | (byte(1) << 16) | (byte(2) << 8) | byte(3)) >>> 0;
};

/** The first 8 bytes, big-endian, of SHA-256 of UTF-8 `collection`, 00, `key`, 00, `seq` in decimal. */
export const recordSum = (
  sha256: Runtime["sha256"],
  record: Pick<StoredRecord, "collection" | "key" | "seq">,
): bigint => {
  const bytes = sha256(`${record.collection}\u0000${record.key}\u0000${record.seq}`);
  // A view of its buffer would cost as much as the hash.
  return (BigInt(wordAt(bytes, 0)) << 32n) | BigInt(wordAt(bytes, 4));
};

/** The digest after a record of the collection was replaced: `before` null if there was none, tombstones count as none. */
export const replaceInDigest = (
  sha256: Runtime["sha256"],
  digest: Digest,
  before: DigestedRecord | null,
  after: DigestedRecord | null,
): Digest => {
  let { count, sum } = digest;
  if (before !== null && before.value !== null) {
    count -= 1;
    sum -= recordSum(sha256, before);
  }
  if (after !== null && after.value !== null) {
    count += 1;
    sum += recordSum(sha256, after);
  }
  return { count, sum: BigInt.asUintN(64, sum) };
};

/** The wire form of a sum: 16 lower-case hexadecimal digits. */
export const formatSum = (sum: bigint): string => sum.toString(16).padStart(16, "0");

/** The inverse of {@link formatSum}. */
export const parseSum = (text: string): bigint => BigInt(`0x${text}`);
