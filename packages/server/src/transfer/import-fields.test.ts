import { type CollectionName, type SpaceId, type StoredRecord } from "@synchro/core";
import { defaultLimits } from "@synchro/protocol";
import { expect, test } from "vitest";
import { createCollectionRegistry } from "../collections/collection-registry.ts";
import { MemoryStore } from "../store/memory/memory-store.ts";
import { patch, pullRequest, pushTo, at, write } from "../store/store-harness.contract.ts";
import type { Store } from "../store/store.ts";
import { systemRuntime } from "../system-runtime.ts";
import type { ExportSource } from "./export-source.ts";
import { createJudgeRow } from "./judge-row.ts";
import { readNdjson } from "./read-ndjson.ts";
import { type ImportEnd, type RejectedRow, runImport } from "./run-import.ts";
import { createStoreTarget } from "./store-target.ts";
import { ndjsonLines } from "./write-records.ts";

const registry = createCollectionRegistry({
  articles: {
    merge: "fields",
    functions: { high: "max", tags: "union" },
    schema: {
      type: "object",
      required: ["name"],
      properties: { name: {}, high: { type: "number" }, tags: { type: "array" } },
    },
  },
});
const limits = defaultLimits;
const space = "shop-1" as SpaceId;

const openStore = (): Store =>
  new MemoryStore({ runtime: systemRuntime, collections: registry.storedCollections, limits });

const recordsIn = async (store: Store): Promise<readonly StoredRecord[]> =>
  (await store.pull(pullRequest({ tombstones: true }))).records;

const exported = async (store: Store): Promise<string> => {
  const records = await recordsIn(store);
  const source: ExportSource = { total: null, read: () => records, close: () => {} };
  return [...ndjsonLines(source)].join("");
};

async function* textsOf(text: string): AsyncGenerator<string> {
  yield text;
}

const imported = async (
  store: Store,
  text: string,
): Promise<ImportEnd & { readonly rejected: readonly RejectedRow[] }> => {
  const rejected: RejectedRow[] = [];
  const target = await createStoreTarget({
    store,
    space,
    runtime: systemRuntime,
    failureOf: (error) => error,
  });
  const defaults = { collection: "articles", updatedAt: "2026-11-24T10:00:00Z" };
  const end = await runImport({
    rows: readNdjson(textsOf(text), defaults, limits),
    judge: createJudgeRow({
      registry,
      limits,
      sha256: systemRuntime.sha256,
      sendsUndeclared: false,
    }),
    target,
    batch: { changesMax: 10, lengthMax: 10_000 },
    onRejected: (row) => rejected.push(row),
    onProgress: () => {},
    signal: new AbortController().signal,
  });
  return { ...end, rejected };
};

/** A record with a removed field, one that was deleted and made again, and a tombstone. */
const filledStore = async (): Promise<Store> => {
  const store = openStore();
  const made = { name: "Milk", shelf: "A", high: 3, tags: ["a"] };
  await pushTo(store, [patch("milk", at(1), 1, made), patch("oats", at(1), 1, { name: "Oats" })]);
  await pushTo(store, [
    patch("milk", at(2), 1, { shelf: null, high: 7 }, { base: 1 }),
    patch("oats", at(2), 2, null, { base: 2 }),
    patch("rice", at(2), 2, null),
  ]);
  await pushTo(store, [patch("oats", at(3), 3, { name: "Oats" }, { base: 4 })]);
  return store;
};

const versionsOf = (records: readonly StoredRecord[]) =>
  records.map((record) => ({ ...record, seq: 0 }));

test("[FIELDS-5] what is exported is imported with its lives and stamps, and once more changes nothing", async () => {
  const store = await filledStore();
  const text = await exported(store);
  const other = openStore();
  expect(await imported(other, text)).toMatchObject({ counts: { rows: 3, applied: 3 } });
  expect(versionsOf(await recordsIn(other))).toEqual(versionsOf(await recordsIn(store)));
  expect(await imported(other, text)).toMatchObject({ counts: { rows: 3, unchanged: 3 } });
  expect(await imported(store, text)).toMatchObject({ counts: { rows: 3, unchanged: 3 } });
});

test("[FIELDS-1] rows that say nothing of lives are of the first", async () => {
  const store = await filledStore();
  const lines = [
    { key: "milk", updated_at: "2026-11-24T10:00:01Z", value: { name: "Cream" } },
    { key: "oats", updated_at: "2026-11-24T10:00:01Z", value: { name: "Bran" } },
    { key: "salt", value: { name: "Salt" } },
    { key: "rye", deleted: true },
    { key: "half", value: { shelf: "A" } },
  ];
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  const { counts, rejected } = await imported(store, text);
  expect(counts).toEqual({ rows: 5, applied: 3, unchanged: 0, superseded: 1, rejected: 1 });
  expect(rejected).toMatchObject([{ key: "half", code: "incomplete" }]);
  const values = (await recordsIn(store)).map(({ key, value }) => [key, value]);
  expect(Object.fromEntries(values)).toMatchObject({
    milk: '{"high":7,"name":"Cream","tags":["a"]}',
    oats: '{"name":"Oats"}',
    salt: '{"name":"Salt"}',
    rye: null,
  });
});

test("[FIELDS-8] rows with lives are not for a collection that merges otherwise", async () => {
  const store = openStore();
  const readings = "readings" as CollectionName;
  await pushTo(store, [
    write("a", at(1), { expiration_date: "2026-12-01" }, { collection: readings }),
  ]);
  const line = (await exported(store)).replace('"updated_at"', '"life":1,"stamps":{},"updated_at"');
  const { rejected } = await imported(openStore(), line);
  expect(rejected).toMatchObject([
    { code: "policy_mismatch", message: expect.stringContaining("does not merge field by field") },
  ]);
});
