import { describe, expect, test } from "vitest";
import {
  at,
  batches,
  createStoreOpener,
  days,
  expectTrueDigests,
  only,
  otherSpace,
  pullRequest,
  pullRun,
  pushTo,
  readings,
  space,
  type StoreHarness,
  TestClock,
  write,
} from "./store-harness.contract.ts";

/** Tombstones that go, and what remembers that they went. */
export const describePurge = (harness: StoreHarness): void => {
  const { open, optionsOf } = createStoreOpener(harness);

  describe("purge", () => {
    test("[PURGE-2] [STORE-14] takes tombstones whose commit time and stamp are both before the cutoff, and nothing else", async () => {
      const { store } = await open();
      await pushTo(store, [write("live", at(1), {}), write("old", at(1), null)], { now: at(1) });
      await pushTo(store, [write("late", at(1), null)], { now: at(10) });
      await pushTo(store, [write("ahead", at(10), null)], { now: at(1) });
      await pushTo(store, [write("edge", at(9), null)], { now: at(9) });
      await pushTo(store, [write("old", at(1), null)], { space: otherSpace, now: at(1) });
      const before = await pullRun(store);
      expect(await store.purge(space, at(10))).toEqual({ kind: "purged", purged: 2, floor: 5 });
      const { records, pages } = await pullRun(store, { tombstones: true });
      expect(records.map(({ key }) => key)).toEqual(["live", "late", "ahead"]);
      expect(pages.at(-1)?.digests).toEqual(before.pages.at(-1)?.digests);
      expect(pages.at(-1)?.head).toBe(5);
      await expectTrueDigests(store);
      expect((await pullRun(store, { space: otherSpace, tombstones: true })).records).toHaveLength(
        1,
      );
    });

    test("[PURGE-3] [RESET-5] [STORE-14] a cursor below the floor gets a drop, and a run that began above it ends", async () => {
      const { store } = await open();
      await pushTo(store, [write("a", at(1), {}), write("b", at(1), {}), write("c", at(1), {})]);
      const { position: held } = await pullRun(store);
      const running = (await store.pull(pullRequest({ recordsMax: 1 }))).position;
      await pushTo(store, [write("b", at(2), null), write("d", at(2), {})]);
      const { position: seen } = await pullRun(store, { cursor: held });
      const begun = (await store.pull(pullRequest({ recordsMax: 1 }))).position;
      expect(await store.purge(space, at(3))).toEqual({ kind: "purged", purged: 1, floor: 4 });
      const resetOf = async (cursor: typeof held): Promise<string | null> =>
        (await store.pull(pullRequest({ cursor }))).reset;
      expect(await resetOf(held)).toBe("drop");
      expect(await resetOf(running)).toBe("drop");
      expect(await resetOf(seen)).toBeNull();
      expect(await resetOf(begun)).toBeNull();
    });

    test("[PURGE-4] with nothing to remove nothing changes; floor and cutoff never go back", async () => {
      const { store } = await open();
      expect(await store.purge(space, at(99))).toEqual({ kind: "purged", purged: 0, floor: 0 });
      expect((await store.pull(pullRequest())).position).toBeNull();
      await pushTo(
        store,
        [write("a", at(1), null), write("b", at(5), null), write("c", at(1), {})],
        {
          now: at(1),
        },
      );
      expect(await store.purge(space, at(1))).toEqual({ kind: "purged", purged: 0, floor: 0 });
      const state = async () => {
        const snapshot = await store.openSnapshot(space);
        await snapshot.close();
        return snapshot.state;
      };
      expect(await state()).toMatchObject({ floor: 0, cutoff: null });
      expect(await store.purge(space, at(9))).toEqual({ kind: "purged", purged: 2, floor: 2 });
      expect(await state()).toMatchObject({ floor: 2, cutoff: at(5), head: 3 });
      expect(await store.purge(space, at(50))).toEqual({ kind: "purged", purged: 0, floor: 2 });
      expect(await state()).toMatchObject({ floor: 2, cutoff: at(5) });
      await pushTo(store, [write("c", at(2), null)], { now: at(2) });
      expect(await store.purge(space, at(4))).toEqual({ kind: "purged", purged: 1, floor: 4 });
      expect(await state()).toMatchObject({ floor: 4, cutoff: at(5) });
    });

    test("[PURGE-5] [PURGE-6] what a purge took does not rise again, and its delete is a no-op", async () => {
      const { store } = await open();
      await pushTo(store, [write("a", at(1), null)], { now: at(1) });
      await pushTo(store, [write("c", at(1), null)], { now: at(5) });
      await store.purge(space, at(9));
      const outcome = await pushTo(store, [write("a", at(5), {}), write("b", at(2), null)]);
      expect(outcome).toMatchObject({
        results: [
          { kind: "rejected", rejection: { code: "stale" } },
          { kind: "applied", seq: 0 },
        ],
        changed: 0,
      });
      const anew = await pushTo(store, [write("a", at(6), {})]);
      expect(anew).toMatchObject({ results: [{ kind: "applied", seq: 3 }] });
      // /v1 knows no stale.
      const old = await pushTo(store, [write("b", at(2), {})], { checksClocks: false });
      expect(old).toMatchObject({ results: [{ kind: "applied", seq: 4 }] });
    });

    test("[PURGE-4] under a clock that is a year ahead it refuses no change that is newer than what it took", async () => {
      const { store } = await open();
      await pushTo(store, [write("a", at(1), null)], { now: at(2) });
      expect(await store.purge(space, at(days(365)))).toMatchObject({ purged: 1 });
      // The clock is right again. What was made before the delete stays dead, all else comes in.
      const outcome = await pushTo(
        store,
        [
          write("a", at(1), {}),
          write("b", at(2), {}),
          write("a2", at(3), {}),
          write("c", at(4), {}),
        ],
        { now: at(10) },
      );
      expect(outcome.results).toMatchObject([
        { kind: "rejected", rejection: { code: "stale" } },
        { kind: "rejected", rejection: { code: "stale" } },
        { kind: "applied" },
        { kind: "applied" },
      ]);
    });

    test("[PURGE-4] a tombstone's commit time counts too: its delete may have been sent late", async () => {
      const { store } = await open();
      await pushTo(store, [write("a", at(1), null)], { now: at(7) });
      await store.purge(space, at(50));
      expect((await store.describeSpace(space))?.cutoff).toBe(at(7));
    });

    test("[PURGE-7] thousands go in steps, those of several collections and the young between them too", async () => {
      const { store } = await open();
      const counts = [2_100, 1_300];
      for (const [index, collection] of [readings, batches].entries()) {
        const changes = Array.from({ length: counts[index] ?? 0 }, (_, n) =>
          write(`k${n}`, at(n % 10 === 0 ? 99 : 1), null, { collection }),
        );
        await pushTo(store, changes, { now: at(1) });
      }
      const outcome = await store.purge(space, at(9));
      expect(outcome).toEqual({ kind: "purged", purged: 3_060, floor: 3_400 });
      const { records } = await pullRun(store, { tombstones: true });
      expect(records).toHaveLength(340);
      expect(records.every(({ stamp }) => stamp === at(99))).toBe(true);
      expect(await store.purge(space, at(9))).toEqual({
        kind: "purged",
        purged: 0,
        floor: 3_400,
      });
      expect(await store.describeSpace(space)).toMatchObject({ head: 3_400, cutoff: at(1) });
    });

    test("[PULL-12] tombstones of an undeclared collection stay, and come as news when it is declared again", async () => {
      const clock = new TestClock();
      const first = await open({ clock });
      await pushTo(first.store, [
        write("a", at(1), null, { collection: batches }),
        write("b", at(1), null),
      ]);
      const second = await first.reopen(optionsOf(clock, only(readings)));
      expect(await second.store.purge(space, at(9))).toEqual({
        kind: "purged",
        purged: 1,
        floor: 2,
      });
      const { position } = await pullRun(second.store);
      clock.now = at(100);
      const third = await second.reopen(optionsOf(clock));
      const news = await pullRun(third.store, { cursor: position });
      expect(news.records).toMatchObject([{ key: "a", seq: 3, value: null }]);
      // The new seq was committed by the opening: whoever lacks it has the whole retention to fetch it.
      expect(await third.store.purge(space, at(100))).toEqual({
        kind: "purged",
        purged: 0,
        floor: 2,
      });
      expect(await third.store.purge(space, at(101))).toEqual({
        kind: "purged",
        purged: 1,
        floor: 3,
      });
    });
  });
};
