import { describe, expect, test } from "vitest";
import {
  at,
  createStoreOpener,
  pullRequest,
  pullRun,
  pushTo,
  readings,
  space,
  start,
  type StoreHarness,
  TestClock,
  write,
} from "./store-harness.contract.ts";

/** Opening and closing. */
export const describeLifetime = (harness: StoreHarness): void => {
  const { open, optionsOf } = createStoreOpener(harness);

  describe("opening and closing", () => {
    test("[STORE-16] what was answered is there after the next opening", async () => {
      const clock = new TestClock();
      const first = await open({ clock });
      await pushTo(first.store, [
        write("a", at(1), { n: 1 }),
        write("b", at(1), null),
        write("c", at(1), { n: 2 }, { author: { name: "ann", verified: false } }),
      ]);
      await first.store.purge(space, at(0));
      const before = await pullRun(first.store, { tombstones: true });
      const { store } = await first.reopen(optionsOf(clock));
      const after = await pullRun(store, { tombstones: true });
      expect(after.records).toEqual(before.records);
      expect(after.pages.at(-1)?.digests).toEqual(before.pages.at(-1)?.digests);
      expect(after.position).toEqual(before.position);
    });

    test("[STORE-17] close waits for the pushes that have begun", async () => {
      const clock = new TestClock();
      const opened = await open({ clock });
      const pushes = Array.from({ length: 30 }, (_, index) =>
        pushTo(opened.store, [write(`k${index}`, at(1), {})]),
      );
      await opened.store.close();
      const settled = await Promise.race([
        Promise.all(pushes).then((outcomes) => outcomes.length),
        new Promise((resolve) => {
          setImmediate(resolve, "still waiting");
        }),
      ]);
      expect(settled).toBe(30);
      const { store } = await opened.reopen(optionsOf(clock));
      expect((await pullRun(store)).records).toHaveLength(30);
    });

    test("[STORE-17] close may be called again; every other call fails from then on", async () => {
      const { store } = await open();
      await pushTo(store, [write("a", at(1), {})]);
      await Promise.all([store.close(), store.close()]);
      await store.close();
      const calls = [
        store.push({ space, changes: [], checksClocks: true, clientId: null, now: start }),
        store.pull(pullRequest()),
        store.openSnapshot(space),
        store.listSpaces(),
        store.describeSpace(space),
        store.purge(space, at(1)),
        store.beginEpoch(null),
        store.eraseSpace(space),
        store.listEvidence(space, { collection: readings, key: null, limit: 1 }),
        store.listRejections(space, { clientId: null, limit: 1 }),
        store.listHistory(space, { collection: readings, key: "a", beforeSeq: null, limit: 1 }),
      ];
      for (const call of calls) await expect(call).rejects.toThrow("the store is closed");
    });

    test("[STORE-18] capabilities say what an engine is, and nothing else", async () => {
      const { store } = await open();
      expect(Object.keys(store.capabilities)).toEqual(["isDurable"]);
      expect(store.epoch).toMatch(/^[0-9a-f]{20}$/);
    });
  });
};
