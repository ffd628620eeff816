import { beforeEach, expect, test } from "vitest";
import { at, edit, entriesOf, held, openStore } from "../../testing/outbox-samples.ts";
import type { ClientStore } from "../store/client-store.ts";
import { freezeBatch } from "./freeze-batch.ts";
import { recordEdits } from "./record-edits.ts";

let store: ClientStore;
beforeEach(async () => {
  store = await openStore();
});

const record = (...edits: readonly ReturnType<typeof edit>[]) =>
  store.transact((transaction) => recordEdits(transaction, edits));

const freeze = () =>
  store.transact((transaction) =>
    freezeBatch(transaction, { entriesMax: 10, bytesMax: 1e6, clockOffsetMs: 0 }),
  );

test("an edit that throws in its transaction leaves no entry and no id", async () => {
  const failing = store.transact(async (transaction) => {
    await recordEdits(transaction, [edit("a", 1)]);
    throw new RangeError("no");
  });
  await expect(failing).rejects.toThrow(RangeError);
  expect(await entriesOf(store)).toEqual([]);
  const [entry] = await record(edit("a", 2));
  expect(entry?.id).toBe(1);
});

test("a tab that runs an older program than the one that upgraded the values is refused, and writes nothing", async () => {
  await store.transact((transaction) => transaction.putMeta({ schemaVersions: { readings: 3 } }));
  await expect(record(edit("a", 1, { schemaVersion: 3 }), edit("b", 2))).rejects.toMatchObject({
    code: "newer_schema",
  });
  expect(await entriesOf(store)).toEqual([]);
});

test("[CLIENT-27] the record replaced is noted with its stamp, seq and mark; of nothing, nothing is", async () => {
  await store.transact((transaction) => transaction.putRecords([held("a", { mark: 3 })]));
  const [onRecord, onNothing] = await record(edit("a", 1), edit("b", 2));
  expect(onRecord?.replaced).toEqual({ stamp: at(-100), seq: 10, mark: 3, after: null });
  expect(onNothing?.replaced).toEqual({ stamp: null, seq: 0, mark: 0, after: null });
});

test("a tombstone is a version too", async () => {
  await store.transact((transaction) => transaction.putRecords([held("a", { value: null })]));
  const [entry] = await record(edit("a", 1));
  expect(entry?.replaced).toMatchObject({ stamp: at(-100), seq: 10 });
});

test("an unsent edit takes the newer value, and still replaces what it did; a record that came since changes nothing", async () => {
  await store.transact((transaction) => transaction.putRecords([held("a")]));
  const [first] = await record(edit("a", 1));
  await store.transact((transaction) =>
    transaction.putRecords([held("a", { seq: 20, stamp: at(50) })]),
  );
  const [second] = await record(edit("a", 2, { value: null, schemaVersion: 2 }));
  expect(second).toEqual({ ...first, value: null, editedAt: at(2), schemaVersion: 2 });
  expect(await entriesOf(store)).toEqual([second]);
});

test("an edit while another is in flight is an entry of its own, which waits for it", async () => {
  const [sent] = await record(edit("a", 1));
  await freeze();
  const [second] = await record(edit("a", 2));
  const [third] = await record(edit("a", 3));
  expect(second?.id).not.toBe(sent?.id);
  expect(second?.replaced).toEqual({ stamp: null, seq: 0, mark: 0, after: sent?.id });
  expect(third).toMatchObject({ id: second?.id, value: '{"n":3}', replaced: second?.replaced });
});

test("an edit of another author is an entry of its own: nobody's change goes out in another's name", async () => {
  const [annas] = await record(edit("a", 1));
  const [bobs] = await record(edit("a", 2, { author: "bob" }));
  const [again] = await record(edit("a", 3, { author: "anna" }));
  expect(await entriesOf(store)).toEqual([annas, bobs, again]);
  expect([bobs?.replaced.after, again?.replaced.after]).toEqual([annas?.id, bobs?.id]);
});

test("several edits of a record in one call are one after the other", async () => {
  const answers = await record(
    edit("a", 1),
    edit("b", 2),
    edit("a", 3, { author: "bob" }),
    edit("a", 4, { author: "bob" }),
  );
  expect(answers.map((entry) => [entry.id, entry.value])).toEqual([
    [1, '{"n":1}'],
    [2, '{"n":2}'],
    [3, '{"n":4}'],
    [3, '{"n":4}'],
  ]);
  expect(await entriesOf(store)).toHaveLength(3);
  const [next] = await record(edit("c", 5));
  expect(next?.id).toBe(4);
});
