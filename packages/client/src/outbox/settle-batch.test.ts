import { addMicros, type ChangeResult, type Rejection } from "@synchro/core";
import { beforeEach, describe, expect, test } from "vitest";
import { at, edit, entriesOf, entryOf, held, openStore } from "../../testing/outbox-samples.ts";
import type { ClientStore } from "../store/client-store.ts";
import { freezeBatch } from "./freeze-batch.ts";
import { offerRecords } from "./offer.ts";
import { recordEdits } from "./record-edits.ts";
import { settleBatch } from "./settle-batch.ts";

let store: ClientStore;
beforeEach(async () => {
  store = await openStore();
  await store.transact((transaction) => transaction.putMeta({ generation: 2 }));
});

const record = (...edits: readonly ReturnType<typeof edit>[]) =>
  store.transact((transaction) => recordEdits(transaction, edits));

const freeze = (clockOffsetMs = 0) =>
  store.transact((transaction) =>
    freezeBatch(transaction, { entriesMax: 10, bytesMax: 1e6, clockOffsetMs }),
  );

const settle = (...results: readonly ChangeResult[]) =>
  store.transact((transaction) =>
    settleBatch(transaction, results, {
      correctedNow: at(100),
      settledAt: at(200),
      generation: 2,
    }),
  );

const rejected = (code: Rejection["code"], stored?: Rejection["stored"]): ChangeResult => ({
  kind: "rejected",
  rejection: {
    code,
    message: "no",
    path: "/value",
    ...(stored === undefined ? {} : { stored }),
  },
});
const applied = (seq: number): ChangeResult => ({ kind: "applied", seq });
const superseded = (seq: number): ChangeResult => ({ kind: "superseded", seq });

const readState = () =>
  store.read(async (reader) => ({
    ...(await reader.getMeta(["batch", "offersDropped"])),
    letters: await reader.scanDeadLetters(0, 100),
  }));

test("[CLIENT-5] each change has its own fate: one that is refused neither blocks the others nor vanishes", async () => {
  await record(edit("a", 1), edit("b", 2), edit("c", 3), edit("d", 4));
  await freeze();
  const { settlements, confirmed } = await settle(
    applied(30),
    rejected("schema_mismatch"),
    superseded(31),
    applied(32),
  );
  expect(settlements.map(({ kind }) => kind)).toEqual([
    "applied",
    "refused",
    "superseded",
    "applied",
  ]);
  expect(confirmed.map(({ key, seq, stamp, mark }) => [key, seq, stamp, mark])).toEqual([
    ["a", 30, at(1), 2],
    ["d", 32, at(4), 2],
  ]);
  expect(confirmed[0]?.author).toEqual({ name: "anna", verified: false });
  expect(await entriesOf(store)).toEqual([]);
  const { batch, letters } = await readState();
  expect(batch).toEqual([]);
  expect(letters).toMatchObject([
    {
      entry: { id: 2, key: "b", value: '{"n":2}' },
      rejection: { code: "schema_mismatch", path: "/value" },
      refusedAt: at(200),
    },
  ]);
});

test("[CLIENT-4] what lies beyond the prefix is sent again, as it was", async () => {
  await record(edit("a", 1), edit("b", 2), edit("c", 3));
  const first = await freeze();
  const { settlements } = await settle(applied(30));
  expect(settlements.map(({ kind }) => kind)).toEqual(["applied", "unjudged", "unjudged"]);
  expect((await freeze(9_999))?.entries).toEqual(first?.entries.slice(1));
});

test("[CLIENT-9] seq 0 settles the entry and claims no version", async () => {
  await record(edit("a", 1, { value: null }));
  await freeze();
  const [later] = await record(edit("a", 2));
  expect((await settle(applied(0))).confirmed).toEqual([]);
  expect((await entryOf(store, later!.id)).replaced).toEqual({
    stamp: at(1),
    seq: 0,
    mark: 2,
    after: null,
  });
});

describe("an edit that waited for one in flight knows what it replaced", () => {
  test("once that is applied: its stamp and its seq", async () => {
    await record(edit("a", 5));
    await freeze();
    const [later] = await record(edit("a", 1));
    await settle(applied(30));
    expect((await entryOf(store, later!.id)).replaced).toEqual({
      stamp: at(5),
      seq: 30,
      mark: 2,
      after: null,
    });
    expect((await freeze())?.entries[0]?.stamp).toBe(addMicros(at(5), 1));
  });

  test("once that has lost: its stamp, and no seq, for nobody here has seen what beat it", async () => {
    await store.transact((transaction) => transaction.putRecords([held("a", { mark: 2 })]));
    await record(edit("a", 5));
    await freeze();
    const [later] = await record(edit("a", 6));
    await settle(superseded(31));
    expect((await entryOf(store, later!.id)).replaced).toEqual({
      stamp: at(5),
      seq: 0,
      mark: 0,
      after: null,
    });
  });

  test("once that was refused: its stamp, for an earlier try may have got through, and what it replaced itself", async () => {
    await store.transact((transaction) => transaction.putRecords([held("a", { mark: 2 })]));
    await record(edit("a", 5));
    await freeze();
    const [later] = await record(edit("a", 6));
    await settle(rejected("not_subscribed"));
    expect((await entryOf(store, later!.id)).replaced).toEqual({
      stamp: at(5),
      seq: 10,
      mark: 2,
      after: null,
    });
  });

  test("not before: a chain of authors goes out one by one", async () => {
    await record(edit("a", 1), edit("a", 2, { author: "bob" }), edit("a", 3, { author: "carl" }));
    for (const author of ["anna", "bob", "carl"]) {
      const batch = await freeze();
      expect(batch?.entries.map((entry) => entry.author)).toEqual([author]);
      await settle(applied(30));
    }
    expect(await freeze()).toBeNull();
  });
});

describe("[CLIENT-28] stamp_ahead", () => {
  test("restamps with the clock corrected by the answer, ignoring the version replaced", async () => {
    await store.transact((transaction) =>
      transaction.putRecords([held("a", { stamp: at(9_000) })]),
    );
    await record(edit("a", 9_001));
    await freeze();
    const { settlements } = await settle(rejected("stamp_ahead", null));
    expect(settlements).toMatchObject([{ kind: "restamped", stamp: at(100) }]);
    expect((await entryOf(store, 1)).stamp).toBe(at(100));
    expect((await freeze())?.entries).toMatchObject([{ id: 1, stamp: at(100) }]);
    expect((await readState()).letters).toEqual([]);
  });

  test("restamps after the stored version where that is later", async () => {
    await record(edit("a", 9_001));
    await freeze();
    await settle(rejected("stamp_ahead", at(150)));
    expect((await entryOf(store, 1)).stamp).toBe(addMicros(at(150), 1));
  });

  test("an edit that waited takes the new stamp for its bound, not the old one", async () => {
    await record(edit("a", 9_001));
    await freeze();
    const [later] = await record(edit("a", 3));
    await settle(rejected("stamp_ahead", null));
    await freeze();
    await settle(applied(30));
    expect((await entryOf(store, later!.id)).replaced.stamp).toBe(at(100));
  });
});

describe("an offer", () => {
  const offerA = () =>
    store.transact((transaction) =>
      offerRecords(transaction, [held("a", { stamp: at(9_000), mark: 1 })], { offeredAt: at(0) }),
    );

  test("[CLIENT-23] that is stale is dropped and counted", async () => {
    await offerA();
    await freeze();
    const { settlements } = await settle(rejected("stale"));
    expect(settlements).toMatchObject([{ kind: "dropped" }]);
    expect(await readState()).toEqual({ batch: [], offersDropped: 1, letters: [] });
    expect(await entriesOf(store)).toEqual([]);
  });

  test("[CLIENT-28] ahead of time is restamped only if nothing is stored, and who replaced it follows", async () => {
    await offerA();
    const [own] = await record(edit("a", 1));
    expect(own?.replaced).toMatchObject({ stamp: at(9_000), after: 1 });
    await freeze();
    await settle(rejected("stamp_ahead", null));
    expect((await entryOf(store, 1)).stamp).toBe(at(100));
    expect((await entryOf(store, own!.id)).replaced.stamp).toBe(at(100));
  });

  test("[CLIENT-28] ahead of time goes to the dead letters if anything is stored", async () => {
    await offerA();
    await freeze();
    await settle(rejected("stamp_ahead", at(-5)));
    expect((await readState()).letters).toMatchObject([
      { entry: { isOffer: true }, rejection: { code: "stamp_ahead" } },
    ]);
  });

  test("that is refused for another reason goes to the dead letters", async () => {
    await offerA();
    await freeze();
    await settle(rejected("schema_mismatch"));
    expect((await readState()).letters).toHaveLength(1);
  });
});

test("an edit that is stale goes to the dead letters: it is the user's work", async () => {
  await record(edit("a", 1));
  await freeze();
  await settle(rejected("stale"));
  expect((await readState()).letters).toMatchObject([{ rejection: { code: "stale" } }]);
});
