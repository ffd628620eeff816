import { addMicros } from "@synchro/core";
import { beforeEach, describe, expect, test } from "vitest";
import { at, edit, entriesOf, entryOf, held, openStore } from "../../testing/outbox-samples.ts";
import type { ClientStore } from "../store/client-store.ts";
import { type FreezeOptions, freezeBatch, releaseBatch } from "./freeze-batch.ts";
import { recordEdits } from "./record-edits.ts";
import { baseOf } from "./replaced.ts";

let store: ClientStore;
beforeEach(async () => {
  store = await openStore();
});

const record = (...edits: readonly ReturnType<typeof edit>[]) =>
  store.transact((transaction) => recordEdits(transaction, edits));

const freeze = (options: Partial<FreezeOptions> = {}) =>
  store.transact((transaction) =>
    freezeBatch(transaction, { entriesMax: 10, bytesMax: 1e6, clockOffsetMs: 0, ...options }),
  );

const idsOf = (batch: Awaited<ReturnType<typeof freeze>>) => batch?.entries.map(({ id }) => id);

test("an empty outbox makes no batch", async () => {
  expect(await freeze()).toBeNull();
});

describe("[CLIENT-27] a stamp is", () => {
  test("the clock at the edit, corrected", async () => {
    await record(edit("a", 5));
    const batch = await freeze({ clockOffsetMs: -1_500.25 });
    expect(batch?.entries[0]?.stamp).toBe(addMicros(at(3.5), -250));
  });

  test("later than the version replaced, by a microsecond at least", async () => {
    await store.transact((transaction) => transaction.putRecords([held("a", { stamp: at(900) })]));
    await record(edit("a", 5));
    expect((await freeze())?.entries[0]?.stamp).toBe(addMicros(at(900), 1));
  });

  test("no later for what another record holds", async () => {
    await store.transact((transaction) => transaction.putRecords([held("b", { stamp: at(900) })]));
    await record(edit("a", 5));
    expect((await freeze())?.entries[0]?.stamp).toBe(at(5));
  });

  test("not later for a version that came after the edit", async () => {
    await record(edit("a", 5));
    await store.transact((transaction) => transaction.putRecords([held("a", { stamp: at(900) })]));
    expect((await freeze())?.entries[0]?.stamp).toBe(at(5));
  });

  test("fixed from then on, also after the batch was given up", async () => {
    await record(edit("a", 5));
    const first = await freeze();
    await store.transact(releaseBatch);
    expect(await freeze({ clockOffsetMs: 60_000 })).toEqual(first);
    expect((await entryOf(store, 1)).stamp).toBe(at(5));
  });
});

test("[CLIENT-2] until there is an answer the batch is the same, whatever the limits and whatever was edited since", async () => {
  await record(edit("a", 1), edit("b", 2));
  const first = await freeze();
  await record(edit("a", 3), edit("c", 4));
  expect(await freeze({ entriesMax: 1, clockOffsetMs: 5, aside: new Set([1]) })).toEqual(first);
});

test("[PUSH-10] a record stands in a batch once, and what waits for another stays behind, put aside or not", async () => {
  await record(edit("a", 1));
  await freeze();
  await store.transact(releaseBatch);
  await record(edit("a", 2), edit("b", 3));
  expect(idsOf(await freeze({ aside: new Set([1]) }))).toEqual([3]);
  await store.transact(releaseBatch);
  expect(idsOf(await freeze())).toEqual([1, 3]);
});

test("two entries of one record that wait for nothing go out one after the other", async () => {
  await record(edit("a", 1));
  const [entry] = await entriesOf(store);
  await store.transact((transaction) => transaction.putEntries([{ ...entry!, id: 7 }]));
  expect(idsOf(await freeze())).toEqual([1]);
});

test("[CLIENT-7] a batch keeps its limits, and takes at least one change", async () => {
  const large = (key: string, n: number) => edit(key, n, { value: `"${"ü".repeat(500)}"` });
  await record(large("a", 1), large("b", 2), large("c", 3), edit("d", 4));
  expect(idsOf(await freeze({ bytesMax: 10 }))).toEqual([1]);
  await store.transact(releaseBatch);
  expect(idsOf(await freeze({ bytesMax: 2_500 }))).toEqual([1, 2]);
  await store.transact(releaseBatch);
  expect(idsOf(await freeze({ entriesMax: 3 }))).toEqual([1, 2, 3]);
});

test("the limits are met by what is far behind in the outbox too", async () => {
  await record(...Array.from({ length: 40 }, (_, index) => edit(`k${index}`, index)));
  const aside = new Set(Array.from({ length: 30 }, (_, index) => index + 1));
  expect(idsOf(await freeze({ entriesMax: 3, aside }))).toEqual([31, 32, 33]);
});

test("[CLIENT-8] [CLIENT-19] base is the seq held under the present generation, else none", async () => {
  await store.transact(async (transaction) => {
    await transaction.putMeta({ generation: 4 });
    await transaction.putRecords([held("a", { mark: 4 }), held("b", { mark: 3 })]);
  });
  const entries = await record(edit("a", 1), edit("b", 2), edit("c", 3));
  expect(entries.map((entry) => baseOf(entry, 4))).toEqual([10, null, null]);
  expect(entries.map((entry) => baseOf(entry, 5))).toEqual([null, null, null]);
});
