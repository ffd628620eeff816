import { beforeEach, describe, expect, test } from "vitest";
import { at, edit, entriesOf, entryOf, held, openStore } from "../../testing/outbox-samples.ts";
import type { ClientStore } from "../store/client-store.ts";
import type { HeldRecord } from "../store/held-record.ts";
import { freezeBatch } from "./freeze-batch.ts";
import { dropOffers, offerRecords } from "./offer.ts";
import { recordEdits } from "./record-edits.ts";
import { settleBatch } from "./settle-batch.ts";

let store: ClientStore;
beforeEach(async () => {
  store = await openStore();
  await store.transact(async (transaction) => {
    await transaction.putMeta({ generation: 2 });
    await transaction.putRecords([held("a", { mark: 1 }), held("b", { mark: 1 })]);
  });
});

const record = (...edits: readonly ReturnType<typeof edit>[]) =>
  store.transact((transaction) => recordEdits(transaction, edits));

const offer = (...records: readonly HeldRecord[]) =>
  store.transact((transaction) => offerRecords(transaction, records, { offeredAt: at(7) }));

const freeze = () =>
  store.transact((transaction) =>
    freezeBatch(transaction, { entriesMax: 10, bytesMax: 1e6, clockOffsetMs: 0 }),
  );

const settleApplied = (...seqs: readonly number[]) =>
  store.transact((transaction) =>
    settleBatch(
      transaction,
      seqs.map((seq) => ({ kind: "applied", seq })),
      { correctedNow: at(100), settledAt: at(100), generation: 2 },
    ),
  );

test("[CLIENT-22] carries the stored stamp, value and author, tombstones included", async () => {
  await store.transact((transaction) => transaction.putMeta({ schemaVersions: { readings: 3 } }));
  expect(await offer(held("a"), held("b", { value: null, author: null }))).toBe(2);
  expect(await entriesOf(store)).toEqual([
    {
      id: 1,
      collection: "readings",
      key: "a",
      value: '{"held":true}',
      stamp: at(-100),
      replaced: { stamp: null, seq: 0, mark: 0, after: null },
      author: "carl",
      isOffer: true,
      editedAt: at(7),
      schemaVersion: 3,
    },
    expect.objectContaining({ id: 2, key: "b", value: null, author: null, stamp: at(-100) }),
  ]);
});

test("of a collection with an inherited name has a version like any other", async () => {
  await offer(held("a", { collection: "constructor" as never }));
  expect(await entriesOf(store)).toMatchObject([{ collection: "constructor", schemaVersion: 1 }]);
});

test("[CLIENT-22] goes ahead of the user's own entry for that key, which then knows its new seq", async () => {
  const [own] = await record(edit("a", 1));
  await offer(held("a"));
  expect((await freeze())?.entries).toMatchObject([{ isOffer: true, key: "a" }]);
  await settleApplied(40);
  expect((await entryOf(store, own!.id)).replaced).toEqual({
    stamp: at(-100),
    seq: 40,
    mark: 2,
    after: null,
  });
});

test("a version that the edit's author has not seen does not lend it its stamp or its seq", async () => {
  const [own] = await record(edit("a", 1));
  await offer(held("a", { stamp: at(500), seq: 60 }));
  await freeze();
  await settleApplied(40);
  expect((await entryOf(store, own!.id)).replaced).toMatchObject({
    stamp: at(-100),
    seq: 10,
    mark: 1,
  });
  expect((await freeze())?.entries[0]?.stamp).toBe(at(1));
});

test("an edit that was sent goes first, for its bytes may be on their way; what waits for it waits for the offer then", async () => {
  const [sent] = await record(edit("a", 1));
  await freeze();
  const [later] = await record(edit("a", 2));
  await offer(held("a", { stamp: at(0.5) }));
  expect((await freeze())?.entries.map(({ id }) => id)).toEqual([sent?.id]);
  await settleApplied(40);
  const waiting = await entryOf(store, later!.id);
  expect(waiting.replaced).toEqual({ stamp: at(1), seq: 40, mark: 2, after: 3 });
  expect((await freeze())?.entries.map(({ id }) => id)).toEqual([3]);
  await settleApplied(41);
  // The offer was not what it replaced.
  expect((await entryOf(store, later!.id)).replaced).toEqual({
    stamp: at(1),
    seq: 40,
    mark: 2,
    after: null,
  });
});

test("goes ahead of an edit that was made later, also where something newer stands over it", async () => {
  await offer(held("a"));
  await store.transact((transaction) =>
    transaction.putRecords([held("a", { stamp: at(-50), seq: 70, mark: 2 })]),
  );
  const [own] = await record(edit("a", 1));
  expect(own?.replaced).toEqual({ stamp: at(-50), seq: 70, mark: 2, after: 1 });
  await freeze();
  await settleApplied(71);
  expect((await entryOf(store, own!.id)).replaced).toEqual({ ...own?.replaced, after: null });
});

test("is made once for a version, and again only for a later one", async () => {
  expect(await offer(held("a"))).toBe(1);
  expect(await offer(held("a"), held("a", { stamp: at(-101) }))).toBe(0);
  expect(await offer(held("a", { stamp: at(-99) }))).toBe(1);
  const [own] = await record(edit("a", 1));
  await freeze();
  await settleApplied(40);
  // The other offer is still ahead of it.
  expect((await entryOf(store, own!.id)).replaced.after).not.toBeNull();
});

describe("[CLIENT-23] a client that may not write", () => {
  test("drops its offers, in flight or not, and keeps every edit", async () => {
    const [own] = await record(edit("a", 1), edit("c", 2));
    await offer(held("a"), held("b"));
    const batch = await freeze();
    expect(batch?.entries.map(({ key }) => key)).toEqual(["c", "a", "b"]);
    expect(await store.transact(dropOffers)).toBe(2);
    const meta = await store.read((reader) => reader.getMeta(["batch", "offersDropped"]));
    expect(meta).toEqual({ batch: [2], offersDropped: 2 });
    expect((await entriesOf(store)).map(({ id }) => id)).toEqual([1, 2]);
    expect((await entryOf(store, own!.id)).replaced).toEqual({
      stamp: at(-100),
      seq: 0,
      mark: 0,
      after: null,
    });
  });

  test("has nothing to drop where there are none", async () => {
    await record(edit("a", 1));
    await freeze();
    expect(await store.transact(dropOffers)).toBe(0);
    const meta = await store.read((reader) => reader.getMeta(["batch", "offersDropped"]));
    expect(meta).toEqual({ batch: [1], offersDropped: 0 });
  });
});
