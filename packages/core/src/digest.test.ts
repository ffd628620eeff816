import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { CollectionName } from "./collection-name.ts";
import { EMPTY_DIGEST, formatSum, parseSum, recordSum, replaceInDigest } from "./digest.ts";
import { sha256 } from "../testing/sha256.ts";
import { stored } from "../testing/samples.ts";

/** By the rule's own words, with nothing of the code's. */
const sumByBytes = (collection: string, key: string, seq: number): bigint => {
  const nul = Buffer.from([0]);
  const parts = [Buffer.from(collection), nul, Buffer.from(key), nul, Buffer.from(String(seq))];
  return createHash("sha256").update(Buffer.concat(parts)).digest().readBigUInt64BE(0);
};

describe("recordSum", () => {
  test.each([
    ["readings", "04012345678901", 1],
    ["readings", "04012345678901", 10],
    ["readings", "é😀", 4711],
    ["batches", "a b", Number.MAX_SAFE_INTEGER],
  ])("[DIGEST-1] of %s %s %i", (collection, key, seq) => {
    const record = { collection: collection as CollectionName, key, seq };
    expect(recordSum(sha256, record)).toBe(sumByBytes(collection, key, seq));
  });

  test("[DIGEST-1] reads a hash that is a window of a larger buffer", () => {
    const windowed = (text: string): Uint8Array => {
      const buffer = Buffer.alloc(64, 0xff);
      buffer.set(sha256(text), 16);
      return new Uint8Array(buffer.buffer, buffer.byteOffset + 16, 32);
    };
    expect(recordSum(windowed, stored())).toBe(sumByBytes("readings", "a", 1));
  });

  test("[DIGEST-1] a written-out value, for clients in other languages", () => {
    const record = { ...stored(), key: "04012345678901", seq: 4711 };
    expect(formatSum(recordSum(sha256, record))).toBe("8797ba02da5dcd3f");
  });
});

describe("replaceInDigest", () => {
  const live = stored({ seq: 3 });
  const other = stored({ seq: 9, value: '{"n":9}' });
  const tombstone = stored({ seq: 9, value: null });
  const one = replaceInDigest(sha256, EMPTY_DIGEST, null, live);

  test("[DIGEST-1] a tombstone counts as nothing, before and after", () => {
    expect(replaceInDigest(sha256, EMPTY_DIGEST, null, tombstone)).toEqual(EMPTY_DIGEST);
    expect(replaceInDigest(sha256, one, live, tombstone)).toEqual(EMPTY_DIGEST);
    expect(replaceInDigest(sha256, EMPTY_DIGEST, tombstone, live)).toEqual(one);
    expect(replaceInDigest(sha256, one, null, null)).toEqual(one);
    expect(replaceInDigest(sha256, one, live, null)).toEqual(EMPTY_DIGEST);
  });

  test("[DIGEST-5] a new version replaces the old one's part", () => {
    expect(one).toEqual({ count: 1, sum: sumByBytes("readings", "a", 3) });
    const two = replaceInDigest(sha256, one, live, other);
    expect(two).toEqual({ count: 1, sum: sumByBytes("readings", "a", 9) });
  });

  test("[DIGEST-1] the sum stays below 2^64, and never below 0", () => {
    const full = { count: 1, sum: 2n ** 64n - 1n };
    const sum = sumByBytes("readings", "a", 3);
    expect(replaceInDigest(sha256, full, null, live)).toEqual({ count: 2, sum: sum - 1n });
    expect(replaceInDigest(sha256, { count: 2, sum: 0n }, live, null)).toEqual({
      count: 1,
      sum: 2n ** 64n - sum,
    });
  });
});

test.each([
  [0n, "0000000000000000"],
  [255n, "00000000000000ff"],
  [2n ** 64n - 1n, "ffffffffffffffff"],
  [0x9f3cn << 48n, "9f3c000000000000"],
])("[DIGEST-2] the sum %d is written %s", (sum, text) => {
  expect(formatSum(sum)).toBe(text);
  expect(parseSum(text)).toBe(sum);
});
