import { beforeEach, describe, expect, test } from "vitest";
import { at, edit, entriesOf, entryOf, held, openStore } from "../../testing/outbox-samples.ts";
import type { ClientStore } from "../store/client-store.ts";
import { discardChange } from "./discard-change.ts";
import { freezeBatch, releaseBatch } from "./freeze-batch.ts";
import { readUnsentWork } from "./read-unsent-work.ts";
import { recordEdits } from "./record-edits.ts";
import { type Retry, retryDeadLetter } from "./retry-dead-letter.ts";
import { settleBatch } from "./settle-batch.ts";

let store: ClientStore;
beforeEach(async () => {
  store = await openStore();
  await store.transact((transaction) => transaction.putRecords([held("a", { seq: 10 })]));
});

const record = (...edits: readonly ReturnType<typeof edit>[]) =>
  store.transact((transaction) => recordEdits(transaction, edits));

const freeze = () =>
  store.transact((transaction) =>
    freezeBatch(transaction, { entriesMax: 10, bytesMax: 1e6, clockOffsetMs: 0 }),
  );

const refuse = async () => {
  await freeze();
  const rejection = { code: "schema_mismatch", message: "no", path: "/value/n" } as const;
  await store.transact((transaction) =>
    settleBatch(transaction, [{ kind: "rejected", rejection }], {
      correctedNow: at(50),
      settledAt: at(50),
      generation: 0,
    }),
  );
};

const retry = (id: number, options: Retry) =>
  store.transact((transaction) => retryDeadLetter(transaction, id, options));
const discard = (id: number) => store.transact((transaction) => discardChange(transaction, id));
const unsent = () => store.read(readUnsentWork);

describe("a dead letter", () => {
  test("that does not exist can't be retried, nor discarded", async () => {
    expect(await retry(9, { editedAt: at(60) })).toBeNull();
    expect(await discard(9)).toEqual({ kind: "not_found" });
    expect(await entriesOf(store)).toEqual([]);
  });

  test("[CLIENT-5] is sent anew as it was, in the name of who made it, as an edit of now", async () => {
    await record(edit("a", 1));
    await refuse();
    await store.transact((transaction) =>
      transaction.putRecords([held("a", { seq: 20, stamp: at(55) })]),
    );
    const again = await retry(1, { editedAt: at(60) });
    expect(again).toMatchObject({
      id: 2,
      value: '{"n":1}',
      author: "anna",
      stamp: null,
      editedAt: at(60),
    });
    expect(again?.replaced).toMatchObject({ stamp: at(55), seq: 20 });
    expect((await unsent()).deadLetters).toEqual([]);
  });

  test("of an older declaration can still be sent as it is", async () => {
    await record(edit("a", 1));
    await refuse();
    await store.transact((transaction) => transaction.putMeta({ schemaVersions: { readings: 2 } }));
    expect(await retry(1, { editedAt: at(60) })).toMatchObject({ id: 2, schemaVersion: 1 });
  });

  test("is sent anew as it was edited, in the editor's name", async () => {
    await record(edit("a", 1));
    await refuse();
    const edited = { value: '{"n":"good"}', author: "bob", schemaVersion: 2 };
    expect(await retry(1, { editedAt: at(60), edited })).toMatchObject({ ...edited, key: "a" });
  });

  test("is discarded only when the user says so", async () => {
    await record(edit("a", 1));
    await refuse();
    expect(await discard(1)).toMatchObject({ kind: "discarded", entry: { key: "a" } });
    expect(await unsent()).toEqual({ entries: [], deadLetters: [] });
  });
});

describe("a change that waits", () => {
  test("is not discarded while it is in flight, for it may be applied already", async () => {
    await record(edit("a", 1));
    await freeze();
    expect(await discard(1)).toEqual({ kind: "in_flight" });
    await store.transact(releaseBatch);
    expect(await discard(1)).toMatchObject({ kind: "discarded" });
  });

  test("leaves what it replaced to the edit that waited for it", async () => {
    const [mine] = await record(edit("a", 1));
    const [bobs] = await record(edit("a", 2, { author: "bob" }));
    const [carls] = await record(edit("a", 3, { author: "carl" }));
    await discard(bobs!.id);
    expect((await entryOf(store, carls!.id)).replaced.after).toBe(mine?.id);
    await discard(mine!.id);
    expect((await entryOf(store, carls!.id)).replaced).toEqual({
      stamp: at(-100),
      seq: 10,
      mark: 0,
      after: null,
    });
  });
});

test("what is unsent is told in full, however much it is", async () => {
  await store.transact(async (transaction) => {
    const [entry] = await recordEdits(transaction, [edit("a", 1)]);
    const ids = Array.from({ length: 2_345 }, (_, index) => index + 1);
    await transaction.putEntries(ids.map((id) => ({ ...entry!, id, key: `k${id}` })));
    const rejection = { code: "bad_value", message: "no", path: "" } as const;
    await transaction.putDeadLetters(
      ids.slice(0, 1_000).map((id) => ({ entry: { ...entry!, id }, rejection, refusedAt: at(1) })),
    );
  });
  const { entries, deadLetters } = await unsent();
  expect(entries.map(({ id }) => id)).toEqual(
    Array.from({ length: 2_345 }, (_, index) => index + 1),
  );
  expect(deadLetters).toHaveLength(1_000);
});
