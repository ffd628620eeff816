import type { SpaceId } from "@synchro/core";
import { describe, expect, test } from "vitest";
import {
  at,
  createStoreOpener,
  ledger,
  otherSpace,
  pullRun,
  pushTo,
  readings,
  recomputeDigests,
  refused,
  space,
  type StoreHarness,
  TestClock,
  write,
} from "./store-harness.contract.ts";

/** Which spaces there are, and what they are besides their records. */
export const describeSpaces = (harness: StoreHarness): void => {
  const { open, optionsOf } = createStoreOpener(harness);

  describe("spaces", () => {
    test("[STORE-19] one that does not exist is not listed, and is described as null", async () => {
      const { store } = await open();
      expect(await store.listSpaces()).toEqual([]);
      expect(await store.describeSpace(space)).toBeNull();
      // Asking makes nothing.
      await pushTo(store, []);
      await store.pull({
        space,
        cursor: null,
        ack: null,
        collections: null,
        tombstones: false,
        recordsMax: 1,
        bytesMax: 1,
        told: new Set(),
      });
      expect(await store.listSpaces()).toEqual([]);
      expect(await store.describeSpace(space)).toBeNull();
    });

    test("[STORE-19] they are listed by id, those that hold refused changes or tombstones only included", async () => {
      const { store } = await open();
      for (const id of ["b", "a-2", "a.1", "a", "a_3"] as SpaceId[]) {
        await pushTo(store, [write("k", at(1), {})], { space: id });
      }
      await pushTo(store, [refused("bad_key", "")], { space: "9" as SpaceId });
      await pushTo(store, [write("k", at(1), null)], { space: "c" as SpaceId });
      // By their bytes, which are ASCII.
      expect(await store.listSpaces()).toEqual(["9", "a", "a-2", "a.1", "a_3", "b", "c"]);
    });

    test("[STORE-19] one is described as a snapshot and its records have it", async () => {
      const clock = new TestClock();
      const { store } = await open({ clock });
      await pushTo(store, [
        write("a", at(1), { n: 1 }),
        write("b", at(1), { n: 2 }),
        write("a", at(1), { n: 3 }, { collection: ledger }),
      ]);
      await pushTo(store, [write("b", at(2), null), write("c", at(2), null)]);
      await pushTo(store, [write("x", at(1), {})], { space: otherSpace });
      clock.now = at(9);
      await store.purge(space, at(9));
      const described = await store.describeSpace(space);
      const snapshot = await store.openSnapshot(space);
      expect(described).toEqual(snapshot.state);
      await snapshot.close();
      expect(described).toMatchObject({ head: 5, floor: 5, cutoff: at(2) });
      expect(described?.epochs).toEqual([{ epoch: store.epoch, fromSeq: 0 }]);
      expect(described?.digests.get(readings)).toMatchObject({ count: 1 });
      expect(described?.digests.get(ledger)).toMatchObject({ count: 1 });
      const { records } = await pullRun(store, { tombstones: true });
      const expected = recomputeDigests(records, described?.digests.keys() ?? []);
      expect(described?.digests).toEqual(expected);
    });

    test("[STORE-19] a push that was answered is in the next description", async () => {
      const { store } = await open();
      for (let count = 1; count <= 5; count += 1) {
        await pushTo(store, [write(`k${count}`, at(1), {})]);
        const described = await store.describeSpace(space);
        expect(described?.head).toBe(count);
        expect(described?.digests.get(readings)?.count).toBe(count);
      }
    });

    test("[STORE-16] [STORE-19] the next opening lists and describes the same", async () => {
      const clock = new TestClock();
      const first = await open({ clock });
      await pushTo(first.store, [write("a", at(1), {}), write("b", at(1), null)]);
      await pushTo(first.store, [write("x", at(1), {})], { space: otherSpace });
      const spaces = await first.store.listSpaces();
      const described = await first.store.describeSpace(space);
      const { store } = await first.reopen(optionsOf(clock));
      expect(await store.listSpaces()).toEqual(spaces);
      expect(await store.describeSpace(space)).toEqual(described);
      expect(spaces).toEqual([space, otherSpace]);
    });
  });
};
