import { type CursorPosition, EPOCHS_MAX, isPositionValid } from "@synchro/core";
import { describe, expect, test } from "vitest";
import {
  at,
  batches,
  createStoreOpener,
  only,
  otherSpace,
  pullRequest,
  pullRun,
  pushTo,
  readings,
  refused,
  start,
  space,
  type StoreHarness,
  TestClock,
  write,
} from "./store-harness.contract.ts";

/** The epochs of a space, and what cursors of an earlier opening are worth. */
export const describeEpochs = (harness: StoreHarness): void => {
  const { open, optionsOf } = createStoreOpener(harness);

  describe("epochs", () => {
    test("[EPOCH-4] an opening is listed at the first write after it, and resets nobody", async () => {
      const clock = new TestClock();
      const first = await open({ clock });
      const { epoch } = first.store;
      await pushTo(first.store, [write("a", at(1), {}), write("b", at(1), {})]);
      const held = (await pullRun(first.store)).position;
      const ack = { epoch, seq: 2 };
      expect(held).toEqual({ epoch, seq: 2, collections: null, start: null });

      const { store } = await first.reopen(optionsOf(clock));
      expect(store.epoch).not.toBe(epoch);
      // Nothing that changes no record is a write.
      await pushTo(store, [write("a", at(1), {}), write("a", at(0), {}), refused("bad_key", "")]);
      await store.purge(space, at(9));
      expect(await store.pull(pullRequest({ cursor: held, ack }))).toMatchObject({
        reset: null,
        position: { epoch, seq: 2 },
      });
      expect(await pushTo(store, [write("c", at(1), {})])).toMatchObject({
        position: { epoch: store.epoch, seq: 3 },
      });
      const answer = await store.pull(pullRequest({ cursor: held, ack }));
      expect(answer).toMatchObject({
        reset: null,
        records: [{ key: "c", seq: 3 }],
        position: { epoch: store.epoch, seq: 3 },
      });
      const snapshot = await store.openSnapshot(space);
      expect(snapshot.state?.epochs).toEqual([
        { epoch, fromSeq: 0 },
        { epoch: store.epoch, fromSeq: 2 },
      ]);
      await snapshot.close();
    });

    test("[EPOCH-3] a cursor past the end of its epoch gets an offer", async () => {
      const clock = new TestClock();
      const first = await open({ clock });
      await pushTo(first.store, [write("a", at(1), {})]);
      const { store } = await first.reopen(optionsOf(clock));
      await pushTo(store, [write("b", at(1), {}), write("c", at(1), {})]);
      const cursor = (epoch: typeof store.epoch, seq: number): CursorPosition => ({
        epoch,
        seq,
        collections: null,
        start: null,
      });
      const resetOf = async (position: CursorPosition): Promise<string | null> =>
        (await store.pull(pullRequest({ cursor: position }))).reset;
      expect(await resetOf(cursor(first.store.epoch, 1))).toBeNull();
      expect(await resetOf(cursor(first.store.epoch, 2))).toBe("offer");
      expect(await resetOf(cursor(store.epoch, 3))).toBeNull();
      expect(await resetOf(cursor(store.epoch, 4))).toBe("offer");
    });

    test("[EPOCH-1] creating a space lists the epoch at once, from seq 0", async () => {
      const clock = new TestClock();
      const first = await open({ clock });
      const { store } = await first.reopen(optionsOf(clock));
      await pushTo(store, [refused("bad_key", "")]);
      const { position } = await store.pull(pullRequest());
      expect(position).toEqual({ epoch: store.epoch, seq: 0, collections: null, start: null });
    });

    test("[EPOCH-2] two openings without a write between them leave no trace", async () => {
      const clock = new TestClock();
      const first = await open({ clock });
      await pushTo(first.store, [write("a", at(1), {})]);
      const second = await first.reopen(optionsOf(clock));
      const third = await second.reopen(optionsOf(clock));
      await pushTo(third.store, [write("b", at(1), {})]);
      const snapshot = await third.store.openSnapshot(space);
      expect(snapshot.state?.epochs.map(({ epoch }) => epoch)).toEqual([
        first.store.epoch,
        third.store.epoch,
      ]);
      await snapshot.close();
    });

    test(`[EPOCH-6] the last ${EPOCHS_MAX} are kept`, async () => {
      const clock = new TestClock();
      let opened = await open({ clock });
      const drawn = [];
      const openings = EPOCHS_MAX + 3;
      for (let count = 0; count < openings; count += 1) {
        const isLast = count === openings - 1;
        if (count > 0) opened = await opened.reopen(optionsOf(clock), isLast ? undefined : "brief");
        drawn.push({ epoch: opened.store.epoch, fromSeq: count });
        await pushTo(opened.store, [write(`k${count}`, at(1), {})], { now: start });
      }
      const snapshot = await opened.store.openSnapshot(space);
      expect(snapshot.state?.epochs).toEqual(drawn.slice(3));
      await snapshot.close();
      const oldest = { ...drawn[2]!, seq: 3, collections: null, start: null };
      expect((await opened.store.pull(pullRequest({ cursor: oldest }))).reset).toBe("offer");
    });

    test("[EPOCH-8] an opening that declares others is listed at once, in every space, and resets nobody", async () => {
      const clock = new TestClock();
      const first = await open({ clock });
      await pushTo(first.store, [write("a", at(1), {})]);
      await pushTo(first.store, [write("a", at(1), {})], { space: otherSpace });
      const { position: held } = await pullRun(first.store);
      const { store } = await first.reopen(optionsOf(clock, only(readings)));
      for (const each of [space, otherSpace]) {
        expect((await store.describeSpace(each))?.epochs).toEqual([
          { epoch: first.store.epoch, fromSeq: 0 },
          { epoch: store.epoch, fromSeq: 1 },
        ]);
      }
      const answer = await store.pull(pullRequest({ cursor: held }));
      expect(answer).toMatchObject({ reset: null, position: { epoch: store.epoch, seq: 1 } });
    });

    test("[EPOCH-8] a cursor that passed a collection while it was not declared is not valid in a copy from before", async () => {
      const clock = new TestClock();
      const first = await open({ clock });
      await pushTo(first.store, [write("a", at(1), {}, { collection: batches })]);
      // What a copy made now would list, and its head.
      const copy = await first.store.describeSpace(space);
      const second = await first.reopen(optionsOf(clock, only(readings)));
      const { position, records } = await pullRun(second.store);
      expect(records).toEqual([]);
      expect(position?.seq).toBe(copy?.head);
      expect(isPositionValid(copy?.epochs ?? [], copy?.head ?? 0, position!)).toBe(false);
    });

    test("[EPOCH-5] [STORE-20] one that is begun is listed at once, in one space or in all, and later changes belong to it", async () => {
      const { store } = await open();
      const { epoch } = store;
      await pushTo(store, [write("a", at(1), {}), write("b", at(1), {})]);
      await pushTo(store, [write("a", at(1), {})], { space: otherSpace });
      const one = await store.beginEpoch(space);
      expect(one).toEqual({ kind: "begun", epoch: store.epoch, spaces: 1 });
      expect(store.epoch).not.toBe(epoch);
      const epochsOf = async (of: typeof space) => (await store.describeSpace(of))?.epochs;
      const listed = [
        { epoch, fromSeq: 0 },
        { epoch: store.epoch, fromSeq: 2 },
      ];
      expect(await epochsOf(space)).toEqual(listed);
      expect(await epochsOf(otherSpace)).toEqual([{ epoch, fromSeq: 0 }]);
      expect(await pushTo(store, [write("c", at(1), {})])).toMatchObject({
        position: { epoch: store.epoch, seq: 3 },
      });
      expect(await epochsOf(space)).toEqual(listed);

      const all = await store.beginEpoch(null);
      expect(all).toEqual({ kind: "begun", epoch: store.epoch, spaces: 2 });
      expect((await epochsOf(space))?.at(-1)).toEqual({ epoch: store.epoch, fromSeq: 3 });
      expect((await epochsOf(otherSpace))?.at(-1)).toEqual({ epoch: store.epoch, fromSeq: 1 });
    });

    test("[STORE-20] where there is no space nothing is listed", async () => {
      const { store } = await open();
      expect(await store.beginEpoch(null)).toMatchObject({ kind: "begun", spaces: 0 });
      expect(await store.beginEpoch(space)).toMatchObject({ kind: "begun", spaces: 0 });
      expect(await store.listSpaces()).toEqual([]);
    });
  });
};
