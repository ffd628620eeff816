import {
  type CollectionName,
  isJsonObject,
  type JsonObject,
  parseStamp,
  type StoredRecord,
} from "@synchro/core";
import { defaultLimits } from "@synchro/protocol";
import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { collect } from "./collect.fixture.ts";
import { createCollectionRegistry } from "../collections/collection-registry.ts";
import type { Collection } from "../collections/collection.ts";
import type { ExportSource } from "./export-source.ts";
import { readCsv } from "./read-csv.ts";
import { csvLines } from "./write-records.ts";

const name = "things" as CollectionName;

const things = createCollectionRegistry({
  things: {
    schema: {
      type: "object",
      properties: {
        text: { type: "string" },
        count: { type: "integer" },
        amount: { type: "number" },
        flag: { type: "boolean" },
        maybe: { type: ["string", "null"] },
        mixed: { type: ["string", "integer", "boolean", "null"] },
        list: { type: "array" },
        tree: { type: "object" },
        key: { type: "string" },
        "value.x": { type: "string" },
      },
    },
  },
}).get("things") as Collection;

/** Text that CSV, JSON or a spreadsheet may stumble over. */
const text = fc.oneof(
  fc.string({ unit: fc.constantFrom(",", '"', "\r", "\n", " ", ";", "=", "a", "\t", "\\", "'") }),
  fc.constantFrom("null", "true", "FALSE", "5", "-1e3", "[]", "{}", '""', '"a"', "007", "\uFEFFx"),
  fc.string({ unit: "grapheme" }).filter((each) => !each.includes("\u0000")),
);

const number = fc
  .double({ noNaN: true, noDefaultInfinity: true })
  .map((each) => (Object.is(each, -0) ? 0 : each));

const anything = fc.oneof(
  text,
  fc.integer(),
  number,
  fc.boolean(),
  fc.constant(null),
  fc.array(text, { maxLength: 3 }),
  fc.dictionary(fc.constantFrom("a", "b", "c d"), text, { noNullPrototype: true }),
);

const value = fc.record(
  {
    text,
    count: fc.integer(),
    amount: number,
    flag: fc.boolean(),
    maybe: fc.option(text),
    mixed: fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null)),
    list: fc.array(anything, { maxLength: 3 }),
    tree: fc.dictionary(fc.constantFrom("a", "b"), anything, { noNullPrototype: true }),
    key: text,
    updated_at: anything,
    deleted: anything,
    "value.x": text,
    "value.value.": anything,
    'odd "name", here': anything,
    undeclared: anything,
  },
  { requiredKeys: [], noNullPrototype: true },
);

const key = text.filter((each) => each !== "");

type Thing = { readonly key: string; readonly value: JsonObject | null };

const things_ = fc.array(
  fc.record({ key, value: fc.option(value as fc.Arbitrary<JsonObject>, { freq: 8 }) }),
  { maxLength: 8 },
) as fc.Arbitrary<readonly Thing[]>;

const stamp = parseStamp("2026-11-24T10:00:00.000001Z");

const sourceOf = (records: readonly Thing[]): ExportSource => ({
  total: null,
  read: () =>
    records.map((record, index): StoredRecord => ({
      collection: name,
      key: record.key,
      seq: index + 1,
      stamp: stamp!,
      value: record.value === null ? null : JSON.stringify(record.value),
      fieldState: null,
      author: null,
    })),
  close: () => {},
});

const linesOf = (records: readonly Thing[], tombstones: boolean): readonly string[] =>
  [...csvLines(sourceOf(records), things, tombstones)].filter((line) => line !== null);

async function* piecesOf(written: string, length: number): AsyncGenerator<string> {
  const points = Array.from(written);
  for (let at = 0; at < points.length; at += length) yield points.slice(at, at + length).join("");
}

const defaults = { collection: name, updatedAt: "1970-01-01T00:00:00Z" };

describe("CSV", () => {
  test("what was written is read back, the same values of the same types", async () => {
    await fc.assert(
      fc.asyncProperty(things_, fc.integer({ min: 1, max: 40 }), async (records, length) => {
        const written = linesOf(records, true).join("");
        const rows = await collect(
          readCsv(piecesOf(written, length), defaults, {
            collection: things,
            limits: defaultLimits,
          }),
        );
        const read = rows.map((row) => {
          if (row.kind === "fault") throw new Error(row.fault.message);
          expect(row.violation).toBeUndefined();
          expect(row.change["updated_at"]).toBe("2026-11-24T10:00:00.000001Z");
          const { deleted } = row.change;
          const got = row.change["value"];
          return {
            key: row.change["key"],
            value: deleted === true ? null : isJsonObject(got) ? got : undefined,
          };
        });
        expect(read).toEqual(records);
      }),
      { seed: 20261124, numRuns: 500 },
    );
  });

  test("each row's line is where it begins", async () => {
    await fc.assert(
      fc.asyncProperty(things_, async (records) => {
        const lines = linesOf(records, true);
        const rows = await collect(
          readCsv(piecesOf(lines.join(""), 1000), defaults, {
            collection: things,
            limits: defaultLimits,
          }),
        );
        let line = 1;
        const expected = lines.map((each) => {
          const begins = line;
          line += each.split("\n").length - 1;
          return begins;
        });
        expect(rows.map((row) => row.line)).toEqual(expected.slice(1));
      }),
      { seed: 20261124 },
    );
  });

  test("another reader finds the same cells", () => {
    fc.assert(
      fc.property(things_, (records) => {
        const lines = linesOf(records, false);
        const rows = parse(lines.join(""), { record_delimiter: ["\r\n"] });
        expect(rows).toHaveLength(records.length + 1);
        expect(rows.slice(1).map(([first]) => first)).toEqual(records.map((each) => each.key));
      }),
      { seed: 20261124 },
    );
  });
});
