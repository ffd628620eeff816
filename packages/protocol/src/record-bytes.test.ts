import type { CollectionName, Stamp, StoredRecord } from "@synchro/core";
import { describe, expect, test } from "vitest";
import { encodeRecord } from "./encode-record.ts";
import { recordBytes } from "./record-bytes.ts";

const record: StoredRecord = {
  collection: "readings" as CollectionName,
  key: "04012345678901",
  seq: 4711,
  stamp: "2026-11-24T10:00:00.000001Z" as Stamp,
  value: '{"expiration_date":"2026-12-01"}',
  author: null,
};

describe("the bytes that a page counts", () => {
  test("are near those of the wire, for ASCII, for others, and for a tombstone", () => {
    const value = JSON.stringify({ note: "Käse \u{1F9C0} 奶酪".repeat(1_000) });
    for (const other of [record, { ...record, value }, { ...record, value: null }]) {
      const bytes = Buffer.byteLength(encodeRecord(other));
      expect(Math.abs(recordBytes(other) - bytes)).toBeLessThan(100);
    }
  });

  test("may be counted by another counter", () => {
    const counted: string[] = [];
    const count = (text: string): number => {
      counted.push(text);
      return 1_000;
    };
    expect(recordBytes(record, count)).toBeGreaterThan(2_000);
    expect(counted).toEqual([record.key, record.value]);
  });
});
