import { formatFieldState, type Stamp, type StoredRecord } from "@synchro/core";
import { describe, expect, test } from "vitest";
import {
  articles,
  at,
  createStoreOpener,
  declaredWithFields,
  patch,
  pullRequest,
  pullRun,
  pushTo,
  recomputeDigests,
  readings,
  space,
  type StoreHarness,
  TestClock,
  write,
} from "./store-harness.contract.ts";
import type { Store } from "./store.ts";

const collections = declaredWithFields;

const stateOf = (life: number, stamps: { readonly [field: string]: Stamp }): string =>
  formatFieldState({ life, stamps: new Map(Object.entries(stamps)) });

const record = (
  seq: number,
  stamp: Stamp,
  value: object | null,
  fieldState: string | null,
): StoredRecord => ({
  collection: articles,
  key: "milk",
  seq,
  stamp,
  value: value === null ? null : JSON.stringify(value),
  fieldState,
  author: null,
});

/** All that is stored, held against its digests. */
const storedIn = async (store: Store): Promise<readonly StoredRecord[]> => {
  const { pages, records } = await pullRun(store, { tombstones: true });
  expect(pages.at(-1)?.digests).toEqual(recomputeDigests(records, collections.keys()));
  return records;
};

/** Records that are merged field by field. */
export const describeFields = (harness: StoreHarness): void => {
  const { open, optionsOf } = createStoreOpener(harness);
  const openWithFields = () => open({ collections });

  describe("fields", () => {
    test("[FIELDS-17] a patch that can't make a record is refused and kept, and its neighbour stands", async () => {
      const { store } = await openWithFields();
      const outcome = await pushTo(store, [
        patch("milk", at(1), 1, { shelf: "A" }),
        patch("oats", at(1), 1, { name: "Oats" }),
      ]);
      expect(outcome.results).toMatchObject([
        { kind: "rejected", rejection: { code: "incomplete", path: "/value/name" } },
        { kind: "applied", seq: 1 },
      ]);
      const [kept] = await store.listRejections(space, { clientId: "c1", limit: 9 });
      expect(JSON.parse(kept?.body ?? "")).toMatchObject({
        collection: articles,
        key: "milk",
        life: 1,
        stamps: { shelf: "2026-11-24T10:00:00.000001Z" },
        value: { shelf: "A" },
      });
    });

    test("[FIELDS-20] [FIELDS-2] a patch is merged into what is stored, and read back with its stamps", async () => {
      const { store } = await openWithFields();
      await pushTo(store, [patch("milk", at(1), 1, { name: "Milk", shelf: "A" })]);
      const outcome = await pushTo(store, [
        patch("milk", at(2), 1, { shelf: null, note: "cold" }, { base: 1 }),
      ]);
      expect(outcome).toMatchObject({ results: [{ kind: "applied", seq: 2 }], lostTo: [] });
      const fieldState = stateOf(1, { name: at(1), note: at(2), shelf: at(2) });
      const expected = record(2, at(2), { name: "Milk", note: "cold" }, fieldState);
      expect(await storedIn(store)).toEqual([expected]);

      const snapshot = await store.openSnapshot(space);
      expect(await snapshot.lookup(articles, ["milk"])).toEqual([expected]);
      const everything = { afterStamp: null, afterSeq: 0 };
      const chunks: (readonly StoredRecord[])[] = [];
      for await (const chunk of snapshot.liveByStamp(articles, everything)) chunks.push(chunk);
      await snapshot.close();
      expect(chunks.flat()).toEqual([expected]);
    });

    test("[FIELDS-21] [FIELDS-23] over another version the whole record is told, and both sides of it are evidence", async () => {
      const { store } = await openWithFields();
      await pushTo(store, [patch("milk", at(5), 1, { name: "Milk", shelf: "A" })]);
      const outcome = await pushTo(store, [
        patch("milk", at(9), 1, { name: "Cream", shelf: "B" }, { stamps: { shelf: at(4) } }),
      ]);
      const merged = record(
        2,
        at(9),
        { name: "Cream", shelf: "A" },
        stateOf(1, { name: at(9), shelf: at(5) }),
      );
      expect(outcome).toMatchObject({ results: [{ kind: "merged", seq: 2 }], changed: 1 });
      expect(outcome.lostTo).toEqual([merged]);
      expect(await storedIn(store)).toEqual([merged]);
      const evidence = await store.listEvidence(space, {
        collection: articles,
        key: null,
        limit: 9,
      });
      expect(evidence.map(({ reason, value }) => [reason, JSON.parse(value ?? "")])).toEqual([
        ["overwritten", { name: "Milk", shelf: "A" }],
        ["superseded", { name: "Cream", shelf: "B" }],
      ]);
    });

    test("[FIELDS-16] a change that is sent again changes nothing, and gets the whole record", async () => {
      const { store } = await openWithFields();
      const made = patch("milk", at(1), 1, { name: "Milk" });
      await pushTo(store, [made]);
      const before = await storedIn(store);
      const outcome = await pushTo(store, [made]);
      expect(outcome).toMatchObject({
        results: [{ kind: "merged", seq: 1 }],
        changed: 0,
        position: { seq: 1 },
      });
      expect(outcome.lostTo).toEqual(before);
      expect(await storedIn(store)).toEqual(before);
    });

    test("[FIELDS-10] [FIELDS-1] lives: a delete ends one, what comes late to it loses, a whole value begins the next", async () => {
      const { store } = await openWithFields();
      await pushTo(store, [patch("milk", at(5), 1, { name: "Milk", shelf: "A" })]);
      await pushTo(store, [patch("milk", at(1), 2, null, { base: 1 })]);
      const tombstone = record(2, at(5), null, stateOf(2, {}));
      expect(await storedIn(store)).toEqual([tombstone]);
      const late = await pushTo(store, [patch("milk", at(4), 1, { shelf: "B" })]);
      expect(late).toMatchObject({ results: [{ kind: "superseded", seq: 2 }], changed: 0 });
      expect(late.lostTo).toEqual([tombstone]);
      const again = await pushTo(store, [patch("milk", at(6), 3, { name: "Oats" }, { base: 2 })]);
      expect(again.results).toEqual([{ kind: "applied", seq: 3 }]);
      const reborn = record(3, at(6), { name: "Oats" }, stateOf(3, { name: at(6) }));
      expect(await storedIn(store)).toEqual([reborn]);
    });

    test("[FIELDS-14] functions of the collection's own are kept", async () => {
      const { store } = await openWithFields();
      const first = { name: "Milk", high: 5, tags: ["b"] };
      await pushTo(store, [patch("milk", at(1), 1, first)]);
      await pushTo(store, [patch("milk", at(2), 1, { high: 3, tags: ["a"] })]);
      const fieldState = stateOf(1, { high: at(2), name: at(1), tags: at(2) });
      const value = { high: 5, name: "Milk", tags: ["a", "b"] };
      expect(await storedIn(store)).toEqual([record(2, at(2), value, fieldState)]);
    });

    test("[FIELDS-3] every version that a merge made is in the history, with its stamps", async () => {
      const { store } = await openWithFields();
      await pushTo(store, [patch("milk", at(1), 1, { name: "Milk" })]);
      await pushTo(store, [patch("milk", at(2), 1, { shelf: "A" }, { base: 1 })]);
      await pushTo(store, [patch("milk", at(3), 2, null, { base: 2 })]);
      const of = { collection: articles, key: "milk", beforeSeq: null, limit: 9 };
      expect(await store.listHistory(space, of)).toEqual([
        record(3, at(3), null, stateOf(2, {})),
        record(2, at(2), { name: "Milk", shelf: "A" }, stateOf(1, { name: at(1), shelf: at(2) })),
        record(1, at(1), { name: "Milk" }, stateOf(1, { name: at(1) })),
      ]);
    });

    test("[PUSH-11] merged records count towards what an answer may hold", async () => {
      const { store } = await open({ collections, limits: { lostBytesMax: 2_300 } });
      const note = "x".repeat(600);
      const keys = ["a", "b", "c"];
      const made = keys.map((key) => patch(key, at(1), 1, { name: key, note }));
      await pushTo(store, made);
      const patches = keys.map((key) => patch(key, at(2), 1, { shelf: "A" }));
      const outcome = await pushTo(store, patches);
      expect(outcome.results.map(({ kind }) => kind)).toEqual(["merged", "merged"]);
      expect(outcome.lostTo.map(({ key }) => key)).toEqual(["a", "b"]);
      expect(outcome.changed).toBe(2);
    });

    test("[FIELDS-4] what was stored under another policy is merged as of its one stamp, and goes on under another", async () => {
      const clock = new TestClock();
      const before = new Map([
        ...collections,
        [articles, { merge: "last-write", keepsHistory: false }],
      ] as const);
      const first = await open({ clock, collections: before });
      await pushTo(first.store, [
        write("milk", at(5), { shelf: "A", name: "Milk" }, { collection: articles }),
      ]);
      const second = await first.reopen(optionsOf(clock, collections));
      expect(await storedIn(second.store)).toEqual([
        record(1, at(5), { shelf: "A", name: "Milk" }, null),
      ]);
      await pushTo(second.store, [patch("milk", at(4), 1, { shelf: "B", note: "cold" })]);
      const merged = { name: "Milk", note: "cold", shelf: "A" };
      const fieldState = stateOf(1, { name: at(5), note: at(4), shelf: at(5) });
      expect(await storedIn(second.store)).toEqual([record(2, at(5), merged, fieldState)]);

      const third = await second.reopen(optionsOf(clock, before));
      const last = write("milk", at(6), { name: "Oats" }, { collection: articles, base: 2 });
      await pushTo(third.store, [last]);
      expect(await storedIn(third.store)).toEqual([record(3, at(6), { name: "Oats" }, null)]);
    });

    test("[FIELDS-9] a tombstone is purged by its stamp, and what comes to it later is stale or new by all of its stamps", async () => {
      const { store } = await openWithFields();
      await pushTo(store, [patch("milk", at(2), 2, null)], { now: at(3) });
      expect(await store.purge(space, at(4))).toMatchObject({ purged: 1, floor: 1 });
      const whole = { name: "Milk", shelf: "A" };
      const [stale, fresh] = [
        await pushTo(store, [patch("milk", at(3), 1, whole, { stamps: { name: at(1) } })]),
        await pushTo(store, [patch("milk", at(4), 1, whole, { stamps: { name: at(1) } })]),
      ];
      expect(stale.results).toMatchObject([{ kind: "rejected", rejection: { code: "stale" } }]);
      expect(fresh.results).toEqual([{ kind: "applied", seq: 2 }]);
    });

    test("[FIELDS-3] [PURGE-4] a purge counts the stamps of all that its tombstones have buried", async () => {
      const { store } = await openWithFields();
      const old = patch("milk", at(9), 1, { name: "Milk" });
      await pushTo(store, [old]);
      await pushTo(store, [patch("milk", at(1), 2, null, { base: 1 })], { now: at(2) });
      const late = patch("milk", at(12), 1, { name: "Cream" });
      expect((await pushTo(store, [late])).results).toEqual([{ kind: "superseded", seq: 3 }]);
      expect(await store.purge(space, at(20))).toMatchObject({ purged: 1, floor: 3 });
      expect((await store.describeSpace(space))?.cutoff).toBe(at(12));
      const outcome = await pushTo(store, [late]);
      expect(outcome.results).toMatchObject([{ kind: "rejected", rejection: { code: "stale" } }]);
      expect((await pushTo(store, [old])).changed).toBe(0);
      expect(await storedIn(store)).toEqual([]);
    });

    test("[FIELDS-2] collections of other policies have no field state", async () => {
      const { store } = await openWithFields();
      await pushTo(store, [write("a", at(1), { n: 1 }), patch("milk", at(1), 1, { name: "Milk" })]);
      const { records } = await store.pull(pullRequest({ collections: [readings] }));
      expect(records.map(({ fieldState }) => fieldState)).toEqual([null]);
    });
  });
};
