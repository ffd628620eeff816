import { type CollectionName, parseStamp, type StoredRecord } from "@synchro/core";
import { expect, test } from "vitest";
import { createCollectionRegistry } from "../collections/collection-registry.ts";
import type { ExportSource } from "./export-source.ts";
import { csvLines, ndjsonLines } from "./write-records.ts";

const readings = createCollectionRegistry().get("readings")!;

const sourceOf = (values: readonly string[]): ExportSource => ({
  total: values.length,
  read: () =>
    values.map((value, index): StoredRecord => ({
      collection: "readings" as CollectionName,
      key: String(index),
      seq: index + 1,
      stamp: parseStamp("2026-11-24T10:00:00Z")!,
      value,
      fieldState: null,
      author: index === 1 ? { name: "anna", verified: true } : null,
    })),
  close: () => {},
});

test("values with members without end are for NDJSON", () => {
  const values = Array.from({ length: 1_001 }, (_, index) => `{"member_${index}":1}`);
  expect(() => [...csvLines(sourceOf(values), readings, false)]).toThrow(
    "the values of readings have more than 1000 different members: use --format ndjson",
  );
});

test("CSV has the schema's columns first, and formulas as they are", () => {
  const source = sourceOf([
    '{"zone":"=1+1","note":"-1","expiration_date":"2026-12-01"}',
    '{"expiration_date":"2026-12-01","quantity":2,"tags":["a,b"]}',
  ]);
  expect([...csvLines(source, readings, false)].join("")).toBe(
    "key,updated_at,expiration_date,quantity,note,zone,tags\r\n" +
      "0,2026-11-24T10:00:00Z,2026-12-01,,-1,=1+1,\r\n" +
      '1,2026-11-24T10:00:00Z,2026-12-01,2,,,"[""a,b""]"\r\n',
  );
});

test("a long look at the columns leaves turns to others", () => {
  const values = Array.from({ length: 3_000 }, () => '{"expiration_date":"2026-12-01"}');
  const lines = [...csvLines(sourceOf(values), readings, false)];
  expect(lines.slice(0, 3)).toEqual([null, null, null]);
  expect(lines).toHaveLength(3 + 1 + 3_000);
});

test("NDJSON is what /v2 sends", () => {
  expect([...ndjsonLines(sourceOf(['{"a":1}', '{"b":"ö"}']))].join("")).toBe(
    '{"collection":"readings","key":"0","seq":1,"updated_at":"2026-11-24T10:00:00Z","value":{"a":1}}\n' +
      '{"collection":"readings","key":"1","seq":2,"updated_at":"2026-11-24T10:00:00Z","value":{"b":"ö"},"author":"anna"}\n',
  );
});
