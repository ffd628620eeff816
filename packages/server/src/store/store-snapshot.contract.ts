import { compareCodePoints, type StoredRecord } from "@synchro/core";
import { describe, expect, test } from "vitest";
import { CHUNK_BYTES_MAX } from "./chunk-records.ts";
import { recordBytes } from "./record-bytes.ts";
import {
  at,
  batches,
  createStoreOpener,
  otherSpace,
  pushTo,
  readings,
  space,
  type StoreHarness,
  write,
} from "./store-harness.contract.ts";
import type { SpaceSnapshot } from "./store.ts";

const everything = { afterStamp: null, afterSeq: 0 };

const readAll = async (
  snapshot: SpaceSnapshot,
  filter: Parameters<SpaceSnapshot["liveByStamp"]>[1] = everything,
): Promise<readonly StoredRecord[]> => {
  const records: StoredRecord[] = [];
  for await (const chunk of snapshot.liveByStamp(readings, filter)) {
    expect(chunk.length).toBeGreaterThan(0);
    const bytes = chunk.reduce((sum, record) => sum + recordBytes(record), 0);
    expect(chunk.length === 1 || bytes <= CHUNK_BYTES_MAX).toBe(true);
    records.push(...chunk);
  }
  return records;
};

const keysOf = (records: readonly StoredRecord[]): readonly string[] =>
  records.map(({ key }) => key);

/** One moment, held while others write. */
export const describeSnapshots = (harness: StoreHarness): void => {
  const { open } = createStoreOpener(harness);

  describe("snapshots", () => {
    test("[STORE-9] of a space that does not exist: null, and every read is empty", async () => {
      const { store } = await open();
      const snapshot = await store.openSnapshot(space);
      await pushTo(store, [write("a", at(1), {})]);
      expect(snapshot.state).toBeNull();
      expect(await snapshot.lookup(readings, ["a"])).toEqual([]);
      expect(await readAll(snapshot)).toEqual([]);
      await snapshot.close();
    });

    test("[STORE-6] everything read is of the moment of opening, whatever is pushed and purged meanwhile", async () => {
      const { store } = await open();
      await pushTo(store, [
        ...Array.from({ length: 300 }, (_, index) =>
          write(`k${index}`, at(index), { text: "x".repeat(2_000) }),
        ),
        write("gone", at(1), null),
      ]);
      const snapshot = await store.openSnapshot(space);
      const reading = snapshot.liveByStamp(readings, everything)[Symbol.asyncIterator]();
      const first = await reading.next();
      for (let round = 0; round < 20; round += 1) {
        await pushTo(store, [
          write(`k${round}`, at(1_000 + round), round % 2 === 0 ? null : { round }),
          write(`new${round}`, at(500), {}),
          write(`k${round}`, at(1_000), {}, { collection: batches }),
        ]);
      }
      await store.purge(space, at(1_000_000));
      expect(snapshot.state).toMatchObject({ head: 301, floor: 0 });
      expect(snapshot.state?.digests.get(readings)?.count).toBe(300);
      const rest: StoredRecord[] = [...(first.value ?? [])];
      for (let next = await reading.next(); next.done !== true; next = await reading.next()) {
        rest.push(...next.value);
      }
      const expected = Array.from({ length: 300 }, (_, index) => `k${299 - index}`);
      expect(keysOf(rest)).toEqual(expected);
      expect(keysOf(await readAll(snapshot))).toEqual(expected);
      expect(await snapshot.lookup(readings, ["k0", "new0", "gone"])).toMatchObject([
        { key: "k0", seq: 1, stamp: at(0) },
        { key: "gone", seq: 301, value: null },
      ]);
      await snapshot.close();
      const after = await store.openSnapshot(space);
      expect(after.state).toMatchObject({ head: 361 });
      expect(await after.lookup(readings, ["gone"])).toEqual([]);
      await after.close();
    });

    test("[STORE-10] lookup keeps the order asked for and leaves out what is absent", async () => {
      const { store } = await open();
      const author = { name: "ann", verified: true };
      await pushTo(store, [
        write("a", at(1), { n: 1 }, { author }),
        write("b", at(1), null),
        write("c", at(1), { n: 3 }),
        write("d", at(1), { n: 4 }, { collection: batches }),
      ]);
      await pushTo(store, [write("e", at(1), {})], { space: otherSpace });
      const snapshot = await store.openSnapshot(space);
      const found = await snapshot.lookup(readings, ["c", "e", "b", "d", "", "a"]);
      expect(found).toEqual([
        {
          collection: readings,
          key: "c",
          seq: 3,
          stamp: at(1),
          value: '{"n":3}',
          fieldState: null,
          author: null,
        },
        {
          collection: readings,
          key: "b",
          seq: 2,
          stamp: at(1),
          value: null,
          fieldState: null,
          author: null,
        },
        {
          collection: readings,
          key: "a",
          seq: 1,
          stamp: at(1),
          value: '{"n":1}',
          fieldState: null,
          author,
        },
      ]);
      expect(await snapshot.lookup(readings, [])).toEqual([]);
      await snapshot.close();
    });

    test("[STORE-11] [DATA-18] the newest stamp first, ties by key in code point order", async () => {
      const { store } = await open();
      const keys = [
        "\ufffd",
        "😀",
        "a",
        "B",
        "b",
        "\u00e9",
        "e\u0301",
        "\uffff",
        "\u{10ffff}",
        "ab",
      ];
      await pushTo(store, [
        ...keys.map((key) => write(key, at(5), {})),
        write("older", at(4), {}),
        write("newer", at(6), {}),
        write("deleted", at(7), null),
        write("elsewhere", at(8), {}, { collection: batches }),
      ]);
      const snapshot = await store.openSnapshot(space);
      const expected = ["newer", ...keys.toSorted(compareCodePoints), "older"];
      expect(expected.indexOf("\ufffd")).toBeLessThan(expected.indexOf("😀"));
      expect(keysOf(await readAll(snapshot))).toEqual(expected);
      expect(keysOf(await readAll(snapshot, { afterStamp: null, afterSeq: 1 }))).toEqual(
        expected.filter((key) => key !== "\ufffd"),
      );
      await snapshot.close();
    });

    test("[STORE-11] filters by stamp, by seq and by both, strictly above", async () => {
      const { store } = await open();
      await pushTo(
        store,
        [5, 3, 9, 1, 7].map((micros) => write(`k${micros}`, at(micros), {})),
      );
      const snapshot = await store.openSnapshot(space);
      const read = async (micros: number | null, afterSeq: number): Promise<readonly string[]> =>
        keysOf(
          await readAll(snapshot, { afterStamp: micros === null ? null : at(micros), afterSeq }),
        );
      expect(await read(5, 0)).toEqual(["k9", "k7"]);
      expect(await read(4, 0)).toEqual(["k9", "k7", "k5"]);
      expect(await read(9, 0)).toEqual([]);
      expect(await read(null, 3)).toEqual(["k7", "k1"]);
      expect(await read(5, 3)).toEqual(["k7"]);
      expect(await read(null, 5)).toEqual([]);
      await snapshot.close();
    });

    test("[STORE-11] chunks stay small, and a value larger than a chunk comes alone", async () => {
      const { store } = await open();
      const sizes = [300_000, 100_000, 100_000, 100_000, 10, 10, 260_000, 10];
      await pushTo(
        store,
        sizes.map((size, index) => write(`k${index}`, at(100 - index), { text: "x".repeat(size) })),
      );
      const snapshot = await store.openSnapshot(space);
      const chunks: (readonly string[])[] = [];
      for await (const chunk of snapshot.liveByStamp(readings, everything)) {
        chunks.push(keysOf(chunk));
      }
      expect(chunks).toEqual([["k0"], ["k1", "k2"], ["k3", "k4", "k5"], ["k6", "k7"]]);
      await snapshot.close();
    });

    test("a read that is left early, and two at once, harm nothing", async () => {
      const { store } = await open();
      await pushTo(
        store,
        [1, 2, 3].map((n) => write(`k${n}`, at(n), { text: "x".repeat(200_000) })),
      );
      const snapshot = await store.openSnapshot(space);
      for await (const chunk of snapshot.liveByStamp(readings, everything)) {
        expect(keysOf(chunk)).toEqual(["k3"]);
        break;
      }
      expect(await Promise.all([readAll(snapshot), readAll(snapshot)])).toMatchObject([
        [{ key: "k3" }, { key: "k2" }, { key: "k1" }],
        [{ key: "k3" }, { key: "k2" }, { key: "k1" }],
      ]);
      await snapshot.close();
    });

    test("close may be called again, in the middle of a read too; then nothing is answered", async () => {
      const { store } = await open();
      await pushTo(
        store,
        [1, 2, 3].map((n) => write(`k${n}`, at(n), { text: "x".repeat(200_000) })),
      );
      const snapshot = await store.openSnapshot(space);
      const reading = snapshot.liveByStamp(readings, everything)[Symbol.asyncIterator]();
      await reading.next();
      await snapshot.close();
      await snapshot.close();
      // The read that was left in the middle holds nothing of the old moment.
      await pushTo(store, [write("k4", at(4), {})]);
      const next = await store.openSnapshot(space);
      expect(await readAll(next)).toHaveLength(4);
      await next.close();
      await expect(reading.next()).rejects.toThrow("closed");
      await expect(snapshot.lookup(readings, ["k1"])).rejects.toThrow("closed");
    });

    test("many snapshots, of different moments, each keep to their own", async () => {
      const { store } = await open();
      const held: SpaceSnapshot[] = [];
      for (let round = 1; round <= 12; round += 1) {
        await pushTo(store, [write(`k${round}`, at(round), {})]);
        held.push(await store.openSnapshot(space));
      }
      for (const [index, snapshot] of held.entries()) {
        expect(await readAll(snapshot)).toHaveLength(index + 1);
        await snapshot.close();
      }
      // More than any pool holds: the last ones wait for the first to close.
      const waiting = Array.from({ length: 100 }, async () => {
        const snapshot = await store.openSnapshot(space);
        const count = (await readAll(snapshot)).length;
        await snapshot.close();
        return count;
      });
      expect(await Promise.all(waiting)).toEqual(Array.from({ length: 100 }, () => 12));
    });
  });
};
