// oxlint-disable-next-line import/no-unassigned-import -- it puts the names of IndexedDB in place
import "fake-indexeddb/auto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CollectionName, type Stamp } from "@synchro/core";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import type { ClientStore, StoreTransaction } from "./client-store.ts";
import { dumpReader, entry, letter, record } from "./client-store-harness.contract.ts";
import { openIndexedDbStore } from "./indexeddb/open-indexeddb-store.ts";
import { openMemoryStore } from "./memory/open-memory-store.ts";
import { openNodeSqliteStore } from "./node-sqlite/open-node-sqlite-store.ts";

const folder = mkdtempSync(join(tmpdir(), "synchro-agree-"));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const createClientId = (): string => "c_1";
let runs = 0;

const openAll = async (): Promise<readonly ClientStore[]> => {
  runs += 1;
  return [
    await openMemoryStore({ createClientId }),
    await openNodeSqliteStore({ path: join(folder, `${runs}.db`), createClientId }),
    await openIndexedDbStore({ name: `agree-${runs}`, createClientId }),
  ];
};

const collection = fc
  .constantFrom("readings", "batches", "b")
  .map((name) => name as CollectionName);
/** Whatever sorts in its own way somewhere: surrogates, what stands above them, case, prefixes. */
const key = fc.oneof(
  fc.constantFrom(
    "a",
    "A",
    "aa",
    "__proto__",
    "\ud7ff",
    "\ue000",
    "\ue001",
    "\uffff",
    "\u{10000}",
    "\u{10ffff}",
  ),
  fc
    .string({ minLength: 1, maxLength: 4, unit: "grapheme" })
    .filter((text) => !text.includes("\u0000")),
);
const name = fc.record({ collection, key });
const id = fc.integer({ min: 1, max: 12 });
const stamp = fc.constantFrom(null, "2026-11-24T10:00:00.000001Z" as Stamp);

const write = fc.oneof(
  fc.record({
    put: fc.constant("record" as const),
    record: fc
      .tuple(name, fc.nat(9), fc.nat(3), fc.constantFrom(null, "{}", '{"ü":1}'))
      .map(([of, seq, mark, value]) => record(of.key, { ...of, seq, mark, value })),
  }),
  fc.record({ put: fc.constant("no record" as const), name }),
  fc.record({
    put: fc.constant("entry" as const),
    entry: fc.tuple(id, name, stamp).map(([at, of, when]) => entry(at, { ...of, stamp: when })),
  }),
  fc.record({ put: fc.constant("no entry" as const), id }),
  fc.record({ put: fc.constant("letter" as const), id }),
  fc.record({ put: fc.constant("no letter" as const), id }),
  fc.record({
    put: fc.constant("meta" as const),
    generation: fc.nat(9),
    batch: fc.array(id, { maxLength: 3 }),
  }),
);
type Write = typeof write extends fc.Arbitrary<infer Value> ? Value : never;

const apply = async (transaction: StoreTransaction, each: Write): Promise<void> => {
  switch (each.put) {
    case "record":
      return transaction.putRecords([each.record]);
    case "no record":
      return transaction.deleteRecords([each.name]);
    case "entry":
      return transaction.putEntries([each.entry]);
    case "no entry":
      return transaction.deleteEntries([each.id]);
    case "letter":
      return transaction.putDeadLetters([letter(each.id)]);
    case "no letter":
      return transaction.deleteDeadLetters([each.id]);
    case "meta":
      return transaction.putMeta({ generation: each.generation, batch: each.batch });
  }
};

const run = fc.record({
  transactions: fc.array(
    fc.record({ writes: fc.array(write, { maxLength: 12 }), fails: fc.boolean() }),
    { maxLength: 6 },
  ),
  names: fc.array(name, { maxLength: 4 }),
  scan: fc.record({
    collection,
    after: fc.option(key),
    limit: fc.integer({ min: 1, max: 5 }),
    markBelow: fc.integer({ min: 1, max: 4 }),
  }),
});

test("every engine answers as the memory store does, whatever was written, and whatever failed", async () => {
  await fc.assert(
    fc.asyncProperty(run, async ({ transactions, names, scan }) => {
      const stores = await openAll();
      for (const { writes, fails } of transactions) {
        const outcomes = stores.map((store) =>
          store.transact(async (transaction) => {
            for (const each of writes) await apply(transaction, each);
            const within = await dumpReader(transaction);
            if (fails) throw new RangeError(JSON.stringify(within));
            return within;
          }),
        );
        const [expected, ...others] = await Promise.allSettled(outcomes);
        for (const other of others) expect(other).toEqual(expected);
      }
      const answers = stores.map((store) =>
        store.read(async (reader) => ({
          dump: await dumpReader(reader),
          collections: await reader.listCollections(),
          records: await reader.getRecords(names),
          groups: await reader.getEntriesOf(names),
          page: await reader.scanRecords(scan.collection, { after: scan.after, limit: scan.limit }),
          old: await reader.scanRecords(scan.collection, scan),
          counts: [await reader.countOutbox(), await reader.countDeadLetters()],
        })),
      );
      const [expected, ...others] = await Promise.all(answers);
      for (const other of others) expect(other).toEqual(expected);
      await Promise.all(stores.map((store) => store.destroy()));
    }),
    { seed: 20_261_124, numRuns: 80 },
  );
});
