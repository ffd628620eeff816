import { setImmediate as nextTask } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ClientStore, StoreTransaction } from "./client-store.ts";
import {
  batches,
  dump,
  dumpReader,
  entry,
  letter,
  overflowing,
  readings,
  record,
  stamp,
  type StoreDump,
  type StoreHarness,
} from "./client-store-harness.contract.ts";

const writeEverywhere = async (transaction: StoreTransaction): Promise<void> => {
  await transaction.putMeta({ generation: 7, ack: "ack" as never });
  await transaction.putRecords([record("a"), record("b", { collection: batches })]);
  await transaction.putEntries([entry(1), entry(2)]);
  await transaction.putDeadLetters([letter(3)]);
};

const replaceEverything = async (transaction: StoreTransaction): Promise<void> => {
  await transaction.putMeta({ generation: 8, batch: [1] });
  await transaction.putRecords([record("a", { seq: 9 }), record("c")]);
  await transaction.deleteRecords([record("b", { collection: batches })]);
  await transaction.putEntries([entry(1, { key: "moved", stamp: stamp(9) }), entry(4)]);
  await transaction.deleteEntries([2]);
  await transaction.putDeadLetters([letter(5)]);
  await transaction.deleteDeadLetters([3]);
};

const bump = async (transaction: StoreTransaction): Promise<number> => {
  const { generation } = await transaction.getMeta(["generation"]);
  await transaction.putMeta({ generation: generation + 1 });
  return generation;
};

/** The suite that every engine runs. */
export const describeClientStore = (
  engine: string,
  createHarness: () => Promise<StoreHarness>,
): void => {
  describe(`the ${engine} store`, () => {
    let harness: StoreHarness;
    let store: ClientStore;

    beforeEach(async () => {
      harness = await createHarness();
      store = await harness.open();
    });

    afterEach(async () => {
      await store.close();
      await harness.cleanUp();
    });

    describe("a transaction leaves nothing", () => {
      test("if its body throws, before or after it has written", async () => {
        await store.transact(writeEverywhere);
        const before = await dump(store);
        const failing = async (transaction: StoreTransaction): Promise<void> => {
          await replaceEverything(transaction);
          expect(await dumpReader(transaction)).not.toEqual(before);
          // The same things a second time: they go back to what was there first.
          await transaction.putMeta({ generation: 99 });
          await transaction.putRecords([record("a", { seq: 99 }), record("c", { seq: 99 })]);
          await transaction.putEntries([entry(1, { key: "again" }), entry(2, { key: "again" })]);
          throw new RangeError("no");
        };
        await expect(store.transact(failing)).rejects.toThrow(RangeError);
        expect(await dump(store)).toEqual(before);
        await expect(
          store.transact(() => {
            throw new RangeError("not even a promise");
          }),
        ).rejects.toThrow(RangeError);
        // It takes back the index by record too.
        const [entries] = await store.read((reader) =>
          reader.getEntriesOf([{ collection: readings, key: "moved" }]),
        );
        expect(entries).toEqual([]);
      });

      test("if there is no room, and later ones pass", async () => {
        await store.transact(writeEverywhere);
        const before = await dump(store);
        harness.setFull(true);
        const full = store.transact(async (transaction) => {
          await replaceEverything(transaction);
          await transaction.putRecords(overflowing);
        });
        await expect(full).rejects.toMatchObject({ name: "ClientStoreError", code: "full" });
        expect(await dump(store)).toEqual(before);
        harness.setFull(false);
        await store.transact(replaceEverything);
        expect(await dump(store)).not.toEqual(before);
      });

      test("if a call failed, even if the body went on", async () => {
        const before = await dump(store);
        harness.setFull(true);
        const swallowing = store.transact(async (transaction) => {
          await transaction.putRecords(overflowing).catch(() => {});
          harness.setFull(false);
          await transaction.putEntries([entry(1)]).catch(() => {});
          return "done";
        });
        await expect(swallowing).rejects.toMatchObject({ code: "full" });
        expect(await dump(store)).toEqual(before);
      });

      test("if a call that nobody waited for failed", async () => {
        const before = await dump(store);
        harness.setFull(true);
        const careless = store.transact(async (transaction) => {
          void transaction.putRecords(overflowing);
        });
        await expect(careless).rejects.toMatchObject({ code: "full" });
        harness.setFull(false);
        expect(await dump(store)).toEqual(before);
      });
    });

    describe("transactions", () => {
      test("that come at once are serialised, in the order in which they came", async () => {
        const seen = await Promise.all(Array.from({ length: 30 }, () => store.transact(bump)));
        expect(seen).toEqual(Array.from({ length: 30 }, (_, index) => index));
        expect((await dump(store)).meta.generation).toBe(30);
      });

      test("go on after one in their middle has failed", async () => {
        const outcomes = await Promise.allSettled([
          store.transact(bump),
          store.transact(async (transaction) => {
            await bump(transaction);
            throw new RangeError("no");
          }),
          store.transact(bump),
        ]);
        expect(outcomes.map(({ status }) => status)).toEqual([
          "fulfilled",
          "rejected",
          "fulfilled",
        ]);
        expect((await dump(store)).meta.generation).toBe(2);
      });

      test("read their own writes, and the last write to a thing counts", async () => {
        await store.transact(async (transaction) => {
          await writeEverywhere(transaction);
          await replaceEverything(transaction);
          const { meta, records, entries, letters } = await dumpReader(transaction);
          expect(meta).toMatchObject({ generation: 8, ack: "ack", batch: [1] });
          expect(records.map(({ key, seq }) => [key, seq])).toEqual([
            ["a", 9],
            ["c", 1],
          ]);
          expect(entries.map(({ id, key }) => [id, key])).toEqual([
            [1, "moved"],
            [4, "k4"],
          ]);
          expect(letters.map(({ entry: { id } }) => id)).toEqual([5]);
          const names = ["k1", "moved", "k4"].map((key) => ({ collection: readings, key }));
          const groups = await transaction.getEntriesOf(names);
          expect(groups.map((group) => group.map(({ id }) => id))).toEqual([[], [1], [4]]);
        });
      });

      test("keep what their body did not wait for", async () => {
        await store.transact(async (transaction) => {
          void transaction.putRecords([record("a"), record("b")]);
        });
        expect((await dump(store)).records).toHaveLength(2);
      });

      test("end with their body: a later call fails and writes nothing", async () => {
        let kept: StoreTransaction | null = null;
        await store.transact(async (transaction) => {
          kept = transaction;
        });
        await expect(kept!.putRecords([record("a")])).rejects.toThrow(/has ended/);
        expect((await dump(store)).records).toEqual([]);
      });

      test.each(["strict", "relaxed"] as const)("of %s durability alike", async (durability) => {
        await store.transact(writeEverywhere, durability);
        await store.transact(replaceEverything, durability);
        expect((await dump(store)).meta.generation).toBe(8);
      });
    });

    describe("a reader", () => {
      test("can't write", async () => {
        const writing = store.read(async (reader) => {
          await (reader as StoreTransaction).putRecords([record("a")]);
        });
        await expect(writing).rejects.toThrow(/can't write/);
        expect((await dump(store)).records).toEqual([]);
      });

      test("shows one moment while others want to write", async () => {
        await store.transact(writeEverywhere);
        let writing: Promise<void> = Promise.resolve();
        await store.read(async (reader) => {
          const before = await dumpReader(reader);
          writing = store.transact(replaceEverything);
          await reader.getRecords([record("a")]);
          expect(await dumpReader(reader)).toEqual(before);
        });
        await writing;
        expect((await dump(store)).meta.generation).toBe(8);
      });

      test("never shows half of a transaction that is under way", async () => {
        const seen: Promise<StoreDump>[] = [];
        const writing = store.transact(async (transaction) => {
          for (let round = 0; round < 5; round += 1) {
            seen.push(dump(store));
            await transaction.putMeta({ generation: 7 });
            await transaction.putRecords([record(`k${round}`)]);
          }
        });
        await writing;
        const shown = await Promise.all(seen);
        const counts = shown.map(
          ({ meta, records }) => `${meta.generation} with ${records.length}`,
        );
        expect(new Set(["0 with 0", "7 with 5", ...counts]).size).toBe(2);
      });

      test("shows every transaction that was answered before", async () => {
        for (let round = 1; round <= 10; round += 1) {
          await store.transact(bump);
          expect((await dump(store)).meta.generation).toBe(round);
        }
      });

      test("answers nulls and empty lists in an empty store, in the order of the names", async () => {
        await store.read(async (reader) => {
          const names = [record("x"), record("y")];
          expect(await reader.getRecords(names)).toEqual([null, null]);
          expect(await reader.getRecords([])).toEqual([]);
          expect(await reader.getEntries([3, 4])).toEqual([null, null]);
          expect(await reader.getEntriesOf(names)).toEqual([[], []]);
          expect(await reader.getDeadLetter(1)).toBeNull();
          expect(await reader.listCollections()).toEqual([]);
          expect(await reader.scanRecords(readings, { after: null, limit: 9 })).toEqual([]);
          expect([await reader.countOutbox(), await reader.countDeadLetters()]).toEqual([0, 0]);
        });
      });
    });

    describe("records", () => {
      test("[DATA-18] are scanned by code points, in pages, each collection by itself", async () => {
        // By UTF-16 units U+1F600 would stand before U+E000 and U+FFFD.
        const keys = ["A", "a", "a0", "aa", "b", "ä", "\ud7ff", "\ue000", "\ue001a", "�", "�b"];
        const astral = ["\u{1f600}", "\u{1f600}a", "\u{10ffff}"];
        const inOrder = [...keys, ...astral];
        await store.transact((transaction) =>
          transaction.putRecords([
            ...inOrder.toReversed().map((key) => record(key)),
            record("0", { collection: batches }),
            record("z", { collection: "readings2" as never }),
          ]),
        );
        await store.read(async (reader) => {
          for (const limit of [1, 2, 3, inOrder.length, 100]) {
            const found: string[] = [];
            for (;;) {
              const after: string | null = found.at(-1) ?? null;
              const page = await reader.scanRecords(readings, { after, limit });
              found.push(...page.map(({ key }) => key));
              if (page.length < limit) break;
            }
            expect(found).toEqual(inOrder);
          }
          expect(await reader.listCollections()).toEqual(["batches", "readings", "readings2"]);
          const from = await reader.scanRecords(readings, { after: "aaa", limit: 1 });
          expect(from[0]?.key).toBe("b");
        });
      });

      test("are found by an older mark, in pages", async () => {
        const all = Array.from({ length: 50 }, (_, index) =>
          record(`k${String(index).padStart(2, "0")}`, { mark: index % 5 }),
        );
        await store.transact((transaction) => transaction.putRecords(all));
        await store.read(async (reader) => {
          const page = { after: null, limit: 3, markBelow: 2 };
          const first = await reader.scanRecords(readings, page);
          expect(first.map(({ key }) => key)).toEqual(["k00", "k01", "k05"]);
          const next = await reader.scanRecords(readings, { ...page, after: "k05", limit: 100 });
          expect(next).toHaveLength(17);
          expect(await reader.scanRecords(readings, { ...page, markBelow: 0 })).toEqual([]);
        });
      });

      test.each([
        ["__proto__", "{}"],
        ["constructor", null],
        ["'; DROP TABLE records --", '{"a":"\\u0000 is written so"}'],
        ["𝔘𝔫𝔦𝔠𝔬𝔡𝔢 \u0001\n\t ", '{"ü":"\u{1f600}\u{10ffff}\ufeff"}'],
        ["k".repeat(250), `{"n":"${"ß".repeat(100_000)}"}`],
        ["numbers", '{"n":[-0,1e300,0.1,9007199254740991]}'],
      ])("come back as they were given: %s", async (key, value) => {
        const authors = [
          null,
          { name: "__proto__", verified: true },
          { name: "", verified: false },
        ];
        for (const author of authors) {
          const given = record(key, { value, author, seq: 2 ** 53 - 1, mark: 3 });
          await store.transact((transaction) => transaction.putRecords([given]));
          expect(await store.read((reader) => reader.getRecords([given]))).toEqual([given]);
          expect((await dump(store)).records).toEqual([given]);
        }
      });

      test("of one name count by the last, and of many names each answers in its place, however often", async () => {
        const many = Array.from({ length: 60 }, (_, index) =>
          record(`k${index % 20}`, {
            seq: index + 1,
            collection: index % 3 === 0 ? batches : readings,
          }),
        );
        await store.transact((transaction) => transaction.putRecords(many));
        const last = new Map(many.map((each) => [`${each.collection} ${each.key}`, each]));
        const names = [...many, record("absent"), ...many.toReversed()];
        const found = await store.read((reader) => reader.getRecords(names));
        expect(found).toEqual(
          names.map((each) => last.get(`${each.collection} ${each.key}`) ?? null),
        );
      });

      test("may be many in one transaction", async () => {
        const many = Array.from({ length: 10_000 }, (_, index) => record(`k${index}`));
        await store.transact((transaction) => transaction.putRecords(many), "relaxed");
        const found = await store.read((reader) => reader.getRecords(many));
        expect(found).toEqual(many);
        const scattered = many.filter((_, index) => index % 200 === 0);
        const picked = await store.read((reader) => reader.getRecords(scattered));
        expect(picked).toEqual(scattered);
        await store.transact((transaction) => transaction.deleteRecords(many.slice(1)));
        expect((await dump(store)).records).toEqual(many.slice(0, 1));
      });
    });

    describe("entries and letters", () => {
      test("are scanned by id, in pages, and counted", async () => {
        const ids = [12, 3, 100, 7, 25];
        await store.transact(async (transaction) => {
          await transaction.putEntries(ids.map((id) => entry(id)));
          await transaction.putDeadLetters(ids.map((id) => letter(id)));
        });
        await store.read(async (reader) => {
          const first = await reader.scanOutbox(0, 2);
          expect(first).toEqual([entry(3), entry(7)]);
          expect((await reader.scanOutbox(7, 9)).map(({ id }) => id)).toEqual([12, 25, 100]);
          const letters = await reader.scanDeadLetters(7, 2);
          expect(letters).toEqual([letter(12), letter(25)]);
          expect(await reader.countOutbox()).toBe(5);
          expect(await reader.countDeadLetters()).toBe(5);
          expect(await reader.getEntries([100, 1, 12])).toEqual([entry(100), null, entry(12)]);
          expect(await reader.getDeadLetter(25)).toEqual(letter(25));
        });
      });

      test("of one record are found by it, by ascending id", async () => {
        await store.transact((transaction) =>
          transaction.putEntries([
            entry(9, { key: "a" }),
            entry(2, { key: "a" }),
            entry(5, { key: "b" }),
            entry(4, { key: "a", collection: batches }),
          ]),
        );
        const groups = await store.read((reader) =>
          reader.getEntriesOf([record("b"), record("a"), record("none")]),
        );
        expect(groups.map((group) => group.map(({ id }) => id))).toEqual([[5], [2, 9], []]);
      });
    });

    describe("opening and closing", () => {
      test("opened again it finds everything", async () => {
        await store.transact(writeEverywhere);
        await store.transact(replaceEverything, "relaxed");
        const before = await dump(store);
        await store.close();
        store = await harness.open({
          createClientId: () => {
            throw new Error("the store is not new");
          },
        });
        expect(await dump(store)).toEqual(before);
      });

      test("a new store takes the id that it is given, with blank meta", async () => {
        const { meta } = await dump(store);
        expect(meta).toMatchObject({ clientId: "c_1", cursor: null, generation: 0, batch: [] });
        expect(meta.nextEntryId).toBe(1);
      });

      test("close waits for what has begun, and may be called again", async () => {
        const writing = store.transact(async (transaction) => {
          await transaction.putRecords([record("a")]);
          await transaction.getRecords([record("a")]);
        });
        const closing = store.close();
        await Promise.all([writing, closing, store.close()]);
        await expect(store.transact(bump)).rejects.toMatchObject({ code: "closed" });
        await expect(store.read(dumpReader)).rejects.toMatchObject({ code: "closed" });
        store = await harness.open();
        expect((await dump(store)).records).toEqual([record("a")]);
      });

      test("destroy removes the data for good", async () => {
        await store.transact(writeEverywhere);
        await store.destroy();
        await store.destroy();
        store = await harness.open({ createClientId: () => "c_2" });
        const { meta, records, entries, letters } = await dump(store);
        expect(meta).toMatchObject({ clientId: "c_2", generation: 0 });
        expect([records, entries, letters]).toEqual([[], [], []]);
      });

      test("data of a newer program are refused, and not touched", async () => {
        if (harness.makeNewer === null) return;
        await store.transact(writeEverywhere);
        await store.close();
        await harness.makeNewer();
        for (let attempt = 0; attempt < 2; attempt += 1) {
          await expect(harness.open()).rejects.toMatchObject({
            name: "ClientStoreError",
            code: "newer_schema",
          });
        }
      });

      test("a second opening is refused, or shares the data where the engine says so", async () => {
        if (!store.capabilities.canShareAcrossTabs) {
          if (!store.capabilities.isDurable) return;
          await expect(harness.open()).rejects.toMatchObject({ code: "already_open" });
          await store.transact(bump);
          return;
        }
        const other = await harness.open();
        const both = Array.from({ length: 20 }, (_, index) =>
          (index % 2 === 0 ? store : other).transact(bump),
        );
        expect((await Promise.all(both)).toSorted((a, b) => a - b)).toEqual(
          Array.from({ length: 20 }, (_, index) => index),
        );
        expect(await dump(other)).toEqual(await dump(store));
        await other.close();
        await nextTask();
      });
    });
  });
};
