import { type CollectionSet, collectionSet, EMPTY_DIGEST, type Epoch } from "@synchro/core";
import { describe, expect, test } from "vitest";
import {
  at,
  batches,
  createStoreOpener,
  declared,
  ledger,
  only,
  pullRequest,
  pullRun,
  pushTo,
  readings,
  recomputeDigests,
  type StoreHarness,
  TestClock,
  write,
} from "./store-harness.contract.ts";
import type { Store } from "./store.ts";

const everything = [readings, batches, ledger];

/** Ten records of equal stamps: readings 1, 3, 5, 7, 9, batches the others; 5 and 6 are tombstones. */
const fill = async (store: Store): Promise<void> => {
  await pushTo(
    store,
    Array.from({ length: 10 }, (_, index) =>
      write(`k${index}`, at(0), index === 4 || index === 5 ? null : { index }, {
        collection: index % 2 === 0 ? readings : batches,
      }),
    ),
  );
};

const describePages = (harness: StoreHarness): void => {
  const { open } = createStoreOpener(harness);

  const sets: readonly (readonly [CollectionSet, boolean, readonly number[]])[] = [
    [null, true, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
    [null, false, [1, 2, 3, 4, 7, 8, 9, 10]],
    [[readings], true, [1, 3, 5, 7, 9]],
    [[readings], false, [1, 3, 7, 9]],
    [[batches], false, [2, 4, 8, 10]],
    [[batches, ledger], true, [2, 4, 6, 8, 10]],
    [[ledger], true, []],
  ];

  test.each(sets)(
    "[PULL-3] pages of every size cover %j, tombstones %s, without gap or repeat",
    async (collections, tombstones, expected) => {
      const { store } = await open();
      await fill(store);
      const sizes = new Set([1, 2, 3, expected.length - 1, expected.length, expected.length + 1]);
      for (const recordsMax of [...sizes].filter((size) => size > 0)) {
        const run = await pullRun(store, { collections, tombstones, recordsMax });
        expect(run.records.map(({ seq }) => seq)).toEqual(expected);
        expect(run.pages).toHaveLength(Math.max(1, Math.ceil(expected.length / recordsMax)));
        expect(run.position).toEqual({ epoch: store.epoch, seq: 10, collections, start: null });
        for (const page of run.pages.slice(0, -1)) {
          expect(page.records).toHaveLength(recordsMax);
          expect(page.position).toEqual({
            epoch: store.epoch,
            seq: page.records.at(-1)?.seq,
            collections,
            start: 10,
          });
        }
      }
    },
  );

  test("[PULL-3] a page ends at its bytes and holds at least one record", async () => {
    const { store } = await open();
    await pushTo(
      store,
      Array.from({ length: 5 }, (_, index) =>
        write(`k${index}`, at(0), { text: "x".repeat(index === 2 ? 5_000 : 500) }),
      ),
    );
    const sizes = async (bytesMax: number): Promise<readonly number[]> =>
      (await pullRun(store, { bytesMax })).pages.map(({ records }) => records.length);
    expect(await sizes(1)).toEqual([1, 1, 1, 1, 1]);
    expect(await sizes(1_500)).toEqual([2, 1, 2]);
    expect(await sizes(1_000_000)).toEqual([5]);
  });

  test("[PULL-4] told seqs are skipped without being counted, and the page moves past them", async () => {
    const { store } = await open();
    await fill(store);
    const page = await store.pull(pullRequest({ told: new Set([1, 2, 4, 10]), recordsMax: 2 }));
    expect(page.records.map(({ seq }) => seq)).toEqual([3, 7]);
    expect(page).toMatchObject({ more: true, position: { seq: 7 } });
    const last = await store.pull(
      pullRequest({ told: new Set([10]), recordsMax: 2, cursor: page.position }),
    );
    expect(last.records.map(({ seq }) => seq)).toEqual([8, 9]);
    expect(last).toMatchObject({ more: false, position: { seq: 10 } });
  });

  test("[PULL-7] where nothing matches, the cursor still moves to the head", async () => {
    const { store } = await open();
    await fill(store);
    const page = await store.pull(pullRequest({ collections: [ledger], recordsMax: 1 }));
    expect(page).toMatchObject({ records: [], more: false, position: { seq: 10 }, head: 10 });
  });

  test("[PULL-13] a run from the beginning sends tombstones only above its start", async () => {
    const { store } = await open();
    await fill(store);
    const first = await store.pull(pullRequest({ recordsMax: 3 }));
    expect(first.position).toMatchObject({ seq: 3, start: 10 });
    // Deleted meanwhile: one that was sent, and one that was not.
    await pushTo(store, [
      write("k0", at(1), null),
      write("k7", at(1), null, { collection: batches }),
    ]);
    const rest = await pullRun(store, { cursor: first.position, recordsMax: 3 });
    expect(rest.records.map(({ seq, value }) => [seq, value === null])).toEqual([
      [4, false],
      [7, false],
      [9, false],
      [10, false],
      [11, true],
      [12, true],
    ]);
    await pushTo(store, [write("k1", at(1), null, { collection: batches })]);
    const later = await pullRun(store, { cursor: rest.position });
    expect(later.records.map(({ key, value }) => [key, value])).toEqual([["k1", null]]);
  });
};

const describeMoments = (harness: StoreHarness): void => {
  const { open, optionsOf } = createStoreOpener(harness);

  test("[PULL-15] a space that does not exist answers as an empty one", async () => {
    const { store } = await open();
    expect(await store.pull(pullRequest())).toEqual({
      reset: null,
      records: [],
      more: false,
      position: null,
      head: 0,
      digests: new Map(everything.map((name) => [name, EMPTY_DIGEST])),
    });
  });

  test("[RESET-3] a space that does not exist answers offer to any cursor and any ack", async () => {
    const { store } = await open();
    const position = { epoch: store.epoch, seq: 0, collections: null, start: null };
    for (const held of [{ cursor: position }, { ack: position }, { cursor: "invalid" as const }]) {
      expect(await store.pull(pullRequest(held))).toMatchObject({ reset: "offer", position: null });
    }
  });

  test("[RESET-7] the run that an offer begins sends every tombstone at once", async () => {
    const { store } = await open();
    await fill(store);
    const cursor = { epoch: "f00d" as Epoch, seq: 4, collections: null, start: null };
    const answer = await store.pull(pullRequest({ cursor }));
    expect(answer).toMatchObject({ reset: "offer", more: false, position: { seq: 10 } });
    expect(answer.records).toHaveLength(10);
  });

  test("[RESET-4] a cursor of another set gets a drop and the first page of the new one", async () => {
    const { store } = await open();
    await fill(store);
    const { position } = await pullRun(store, { collections: [readings] });
    const answer = await store.pull(
      pullRequest({ cursor: position, collections: collectionSet([readings, batches]) }),
    );
    expect(answer.reset).toBe("drop");
    expect(answer.records.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 7, 8, 9, 10]);
  });

  test("[DIGEST-4] digests are of the collections asked for, empty ones included", async () => {
    const { store } = await open();
    await fill(store);
    const all = await store.pull(pullRequest({ tombstones: true }));
    expect([...all.digests.keys()].toSorted()).toEqual(everything.toSorted());
    expect(all.digests).toEqual(recomputeDigests(all.records));
    expect(all.digests.get(readings)?.count).toBe(4);
    const named = await store.pull(pullRequest({ collections: collectionSet([ledger, readings]) }));
    expect(named.digests).toEqual(
      new Map([
        [ledger, EMPTY_DIGEST],
        [readings, all.digests.get(readings)],
      ]),
    );
  });

  test("[PULL-11] undeclared collections are left out of pages and digests, and stay", async () => {
    const clock = new TestClock();
    const opened = await open({ clock });
    await fill(opened.store);
    const { store } = await opened.reopen(optionsOf(clock, only(readings)));
    const run = await pullRun(store, { tombstones: true, recordsMax: 2 });
    expect(run.records.map(({ seq }) => seq)).toEqual([1, 3, 5, 7, 9]);
    expect(run.position).toMatchObject({ seq: 10 });
    expect([...(run.pages.at(-1)?.digests.keys() ?? [])]).toEqual([readings]);
  });

  test("[PULL-12] [STORE-15] a collection declared again comes as news, with new seqs and a true digest", async () => {
    const clock = new TestClock();
    const first = await open({ clock });
    await fill(first.store);
    const second = await first.reopen(optionsOf(clock, only(readings, ledger)));
    await pushTo(second.store, [write("k0", at(1), { n: 1 })]);
    const { position } = await pullRun(second.store);
    expect(position).toMatchObject({ seq: 11 });

    const third = await second.reopen(optionsOf(clock, declared));
    const news = await pullRun(third.store, { cursor: position, recordsMax: 2 });
    expect(news.pages[0]?.reset).toBeNull();
    expect(news.records.map(({ key, seq, value }) => [key, seq, value])).toEqual([
      ["k1", 12, '{"index":1}'],
      ["k3", 13, '{"index":3}'],
      ["k5", 14, null],
      ["k7", 15, '{"index":7}'],
      ["k9", 16, '{"index":9}'],
    ]);
    expect(news.position).toEqual({
      epoch: third.store.epoch,
      seq: 16,
      collections: null,
      start: null,
    });
    const all = await pullRun(third.store, { tombstones: true });
    expect(all.pages.at(-1)?.digests).toEqual(recomputeDigests(all.records));
    expect(all.records).toHaveLength(10);

    // Once is enough: opened again with the same collections, nothing moves.
    const fourth = await third.reopen(optionsOf(clock, declared));
    expect((await pullRun(fourth.store, { cursor: news.position })).records).toEqual([]);
    expect(
      await pushTo(fourth.store, [write("k1", at(0), { index: 1 }, { collection: batches })]),
    ).toMatchObject({ results: [{ kind: "applied", seq: 12 }], changed: 0 });
  });

  test("[PULL-8] what a pull reads while pushes go on is one moment: its digests are of its records", async () => {
    const { store } = await open();
    const pushes = Array.from({ length: 60 }, (_, index) =>
      pushTo(store, [
        write(`k${index % 9}`, at(index), index % 4 === 0 ? null : { index }),
        write(`l${index % 7}`, at(index), { index }, { collection: batches }),
      ]),
    );
    const settled = new Set<unknown>();
    for (const push of pushes) void push.finally(() => settled.add(push));
    do {
      const page = await store.pull(pullRequest());
      expect(page.digests).toEqual(recomputeDigests(page.records));
      expect(page.position?.seq ?? 0).toBe(page.head);
      await new Promise(setImmediate);
    } while (settled.size < pushes.length);
    await Promise.all(pushes);
  });
};

/** Pages, sets, tombstones, one moment. */
export const describePull = (harness: StoreHarness): void => {
  describe("pull", () => {
    describePages(harness);
    describeMoments(harness);
  });
};
