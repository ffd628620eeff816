import { epochInLife, lifeOfSpace } from "@synchro/core";
import { describe, expect, test } from "vitest";
import {
  at,
  batches,
  createStoreOpener,
  expectTrueDigests,
  ledger,
  only,
  otherSpace,
  pullRequest,
  pullRun,
  pushTo,
  readings,
  refused,
  space,
  start,
  type StoreHarness,
  TestClock,
  write,
} from "./store-harness.contract.ts";
import type { Store } from "./store.ts";

/** Records of each kind, evidence, a rejection, history, and more of them than one step removes. */
const fill = async (store: Store, of = space): Promise<void> => {
  const many = Array.from({ length: 2_300 }, (_, n) => write(`k${n}`, at(n % 50), { n }));
  await pushTo(store, many, { space: of });
  await pushTo(
    store,
    [
      write("k1", at(60), { n: "later" }),
      write("k2", at(70), null),
      write("k3", at(0), { n: "earlier" }),
      write("l", at(1), {}, { collection: ledger }),
      write("b", at(2), {}, { collection: batches }),
      refused("bad_key", "body"),
    ],
    { space: of },
  );
};

const all = { clientId: null, limit: 99 };

/** All that a space shows, whoever asks. */
const shownBy = async (store: Store, of = space) => ({
  records: (await pullRun(store, { space: of, tombstones: true })).records.length,
  evidence: (await store.listEvidence(of, { collection: readings, key: null, limit: 99 })).length,
  rejections: (await store.listRejections(of, all)).length,
  history: (
    await store.listHistory(of, { collection: ledger, key: "l", beforeSeq: null, limit: 99 })
  ).length,
});

const nothing = { records: 0, evidence: 0, rejections: 0, history: 0 };

/** A space whose content is taken out of it. */
export const describeErasure = (harness: StoreHarness): void => {
  const { open, optionsOf } = createStoreOpener(harness);

  describe("erasing a space", () => {
    test("[ERASE-1] takes all that it holds, of undeclared collections too, and nothing of another", async () => {
      const clock = new TestClock();
      const first = await open({ clock });
      await fill(first.store);
      await fill(first.store, otherSpace);
      const other = await shownBy(first.store, otherSpace);
      const second = await first.reopen(optionsOf(clock, only(readings, ledger)));
      const { store } = second;
      expect(await store.eraseSpace(space)).toEqual({ kind: "erased", isFound: true });
      expect(await shownBy(store)).toEqual(nothing);
      expect(await shownBy(store, otherSpace)).toEqual({
        ...other,
        records: other.records - 1,
      });
      // Declared again, there is nothing of it to come back.
      const third = await second.reopen(optionsOf(clock));
      expect(await shownBy(third.store)).toEqual(nothing);
      await expectTrueDigests(third.store);
    });

    test("[ERASE-2] the head goes on, the floor is the head, and a life begins", async () => {
      const { store } = await open();
      await fill(store);
      const before = await store.describeSpace(space);
      await store.eraseSpace(space);
      const after = await store.describeSpace(space);
      const head = (before?.head ?? 0) + 1;
      expect(after).toMatchObject({ head, floor: head });
      expect(after?.epochs).toEqual([
        ...(before?.epochs ?? []),
        { epoch: epochInLife(store.epoch, 1), fromSeq: before?.head },
      ]);
      expect([...(after?.digests.values() ?? [])].every(({ count }) => count === 0)).toBe(true);
    });

    test("[ERASE-2] every holder is told to drop, those at the head and in the middle of a run too; who comes anew is not", async () => {
      const { store } = await open();
      await fill(store);
      const { position: rested } = await pullRun(store);
      const running = (await store.pull(pullRequest({ recordsMax: 5 }))).position;
      const { position: ack } = await pushTo(store, [write("z", at(1), {})]);
      await store.eraseSpace(space);
      for (const cursor of [rested, running]) {
        expect(await store.pull(pullRequest({ cursor }))).toMatchObject({
          reset: "drop",
          records: [],
          more: false,
        });
      }
      expect((await store.pull(pullRequest())).reset).toBeNull();
      // A first push and a pull from null are told nothing, for they hold nothing.
      expect((await store.pull(pullRequest({ ack }))).reset).toBeNull();
      const { position: fresh } = await pullRun(store);
      expect((await store.pull(pullRequest({ cursor: fresh }))).reset).toBeNull();
    });

    test("[ERASE-3] edits of what was erased are stale; new ones go on above the old head, in the new life", async () => {
      const clock = new TestClock();
      clock.now = at(90);
      const { store } = await open({ clock });
      await fill(store);
      const head = (await store.describeSpace(space))?.head ?? 0;
      await store.eraseSpace(space);
      const late = at(80);
      const outcome = await pushTo(store, [write("k1", at(60), {}), write("new", late, { n: 1 })]);
      expect(outcome.results).toMatchObject([
        { kind: "rejected", rejection: { code: "stale" } },
        { kind: "applied", seq: head + 2 },
      ]);
      const state = await store.describeSpace(space);
      expect(lifeOfSpace(state?.epochs ?? [])).toBe(1);
      expect(state?.epochs).toHaveLength(2);
      await expectTrueDigests(store);
      expect((await pullRun(store)).records).toMatchObject([{ key: "new", seq: head + 2 }]);
    });

    test("[ERASE-3] a stamp from the far future refuses nobody until then", async () => {
      const clock = new TestClock();
      clock.now = at(10);
      const { store } = await open({ clock });
      await pushTo(store, [write("a", at(1_000_000), {})], { checksClocks: false });
      await store.eraseSpace(space);
      expect((await store.describeSpace(space))?.cutoff).toBe(at(10));
    });

    test("[ERASE-4] twice is once; a space that never was is none after it", async () => {
      const { store } = await open();
      expect(await store.eraseSpace(space)).toEqual({ kind: "erased", isFound: false });
      expect(await store.listSpaces()).toEqual([]);
      await pushTo(store, [refused("bad_key", "body")]);
      expect(await store.eraseSpace(space)).toEqual({ kind: "erased", isFound: true });
      const once = await store.describeSpace(space);
      expect(await store.eraseSpace(space)).toEqual({ kind: "erased", isFound: false });
      expect(await store.describeSpace(space)).toEqual(once);
      expect(await store.listSpaces()).toEqual([space]);
    });

    test("[ERASE-5] no reader sees a part, and one that holds a moment keeps all of it", async () => {
      const { store } = await open();
      await fill(store);
      const { records } = await pullRun(store);
      const snapshot = await store.openSnapshot(space);
      const seen = new Set<number>();
      const over = new AbortController();
      const watch = async (): Promise<void> => {
        while (!over.signal.aborted) {
          const page = await store.pull(pullRequest({ recordsMax: 9_999 }));
          seen.add(page.records.length);
          await new Promise(setImmediate);
        }
      };
      const watching = watch();
      await store.eraseSpace(space);
      over.abort();
      await watching;
      expect([...seen].filter((count) => count !== 0 && count !== records.length)).toEqual([]);
      let held = 0;
      const chunks = snapshot.liveByStamp(readings, { afterStamp: null, afterSeq: 0 });
      for await (const chunk of chunks) held += chunk.length;
      expect(held).toBe(2_299);
      await snapshot.close();
    });

    test("[ERASE-6] pushes go on between its steps", async () => {
      const { store } = await open();
      await fill(store, otherSpace);
      await fill(store);
      const erasing = store.eraseSpace(space);
      const pushes = Array.from({ length: 20 }, (_, n) =>
        store.push({
          space: n % 2 === 0 ? space : otherSpace,
          changes: [write(`p${n}`, at(900 + n), { n })],
          checksClocks: true,
          clientId: null,
          now: start,
        }),
      );
      for (const push of pushes) expect((await push).kind).toBe("committed");
      await erasing;
      await expectTrueDigests(store);
      await expectTrueDigests(store, otherSpace);
    });
  });
};
