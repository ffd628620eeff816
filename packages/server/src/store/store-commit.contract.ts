import type { SpaceId } from "@synchro/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  at,
  batches,
  createStoreOpener,
  expectTrueDigests,
  impossible,
  pullRequest,
  pullRun,
  pushTo,
  readings,
  recomputeDigests,
  refused,
  space,
  start,
  type StoreHarness,
  write,
} from "./store-harness.contract.ts";

const describeTogether = (harness: StoreHarness): void => {
  const { open } = createStoreOpener(harness);

  test("[STORE-4] pushes at once: seqs without gap or repeat, and a reader in between misses nothing", async () => {
    const { store } = await open();
    const writers = Array.from({ length: 40 }, async (_, writer) => {
      const seqs: number[] = [];
      for (let round = 0; round < 5; round += 1) {
        const own = Array.from({ length: 1 + (writer % 3) }, (__, index) =>
          write(`w${writer}-${round}-${index}`, at(round), { writer }),
        );
        const outcome = await pushTo(store, [...own, write("all", at(writer * 5 + round), {})]);
        // What was answered is there for whoever asks next.
        expect((await store.pull(pullRequest({ recordsMax: 1 }))).head).toBeGreaterThanOrEqual(
          outcome.position.seq,
        );
        for (const result of outcome.results) {
          if (result.kind === "applied") seqs.push(result.seq);
        }
      }
      return seqs;
    });
    let isWriting = true;
    const reader = (async () => {
      const held = new Map<string, number>();
      let cursor = null;
      for (let isLast = false; !isLast;) {
        isLast = !isWriting;
        const run = await pullRun(store, { cursor, recordsMax: 7 });
        for (const record of run.records) held.set(record.key, record.seq);
        cursor = run.position;
        await new Promise(setImmediate);
      }
      return held;
    })();
    const seqs = (await Promise.all(writers)).flat();
    isWriting = false;
    const { records, pages } = await pullRun(store);
    const head = pages.at(-1)?.head ?? 0;
    expect(seqs.toSorted((a, b) => a - b)).toEqual(Array.from({ length: head }, (_, i) => i + 1));
    expect(await reader).toEqual(new Map(records.map(({ key, seq }) => [key, seq])));
    await expectTrueDigests(store);
  });

  test("[STORE-3] a push that fails is rejected whole, and its neighbours stand", async () => {
    const { store } = await open();
    const pushes = [
      store.push({
        space,
        changes: [write("a", at(1), { n: 1 })],
        checksClocks: false,
        clientId: null,
        now: start,
      }),
      store.push({
        space,
        changes: [write("b", at(1), { n: 1 }), refused("bad_key", "{}"), impossible("c")],
        checksClocks: false,
        clientId: null,
        now: start,
      }),
      store.push({
        space,
        changes: [write("d", at(1), { n: 1 })],
        checksClocks: false,
        clientId: null,
        now: start,
      }),
    ];
    expect((await Promise.allSettled(pushes)).map(({ status }) => status)).toEqual([
      "fulfilled",
      "rejected",
      "fulfilled",
    ]);
    const { records } = await store.pull(pullRequest());
    expect(records.map(({ key, seq }) => [key, seq])).toEqual([
      ["a", 1],
      ["d", 2],
    ]);
    expect(await store.listRejections(space, { clientId: null, limit: 9 })).toEqual([]);
    await expectTrueDigests(store);
  });

  test("[STORE-7] after a failed push alone the store still answers, and has no trace of it", async () => {
    const { store } = await open();
    await expect(pushTo(store, [write("b", at(1), {}), impossible("c")])).rejects.toThrow("BigInt");
    expect((await store.pull(pullRequest())).position).toBeNull();
    expect(await pushTo(store, [write("a", at(1), {})])).toMatchObject({ changed: 1 });
  });

  test("[STORE-8] a full disk: the push changed nothing, and with room again it passes", async () => {
    const { store } = await open({ bytesMax: 600_000 });
    const big = { text: "x".repeat(100_000) };
    const small = { text: "" };
    let count = 0;
    let isFull = false;
    for (; !isFull && count < 50; count += isFull ? 0 : 1) {
      const before = await pullRun(store);
      const outcome = await store.push({
        space,
        changes: [
          write(`small-${count}`, at(1), small),
          refused("bad_key", `${count}`),
          write(`big-${count}`, at(1), big),
        ],
        checksClocks: true,
        clientId: "c1",
        now: start,
      });
      isFull = outcome.kind === "full";
      if (!isFull) continue;
      const after = await pullRun(store);
      expect(after.records).toEqual(before.records);
      expect(after.position).toEqual(before.position);
      expect(await store.listRejections(space, { clientId: null, limit: 99 })).toHaveLength(count);
    }
    expect(isFull).toBe(true);
    expect(count).toBeGreaterThan(1);
    await expectTrueDigests(store);
    // What makes room passes, and then so does what did not fit.
    const [, base] = (await pullRun(store)).records;
    const freed = await pushTo(store, [write("big-0", at(2), small, { base: base?.seq ?? null })]);
    expect(freed.results[0]).toMatchObject({ kind: "applied" });
    const fits = await pushTo(store, [write("big-last", at(1), big)]);
    expect(fits.results[0]).toMatchObject({ kind: "applied" });
    await expectTrueDigests(store);
  });
};

const describeHistories = (harness: StoreHarness): void => {
  const { open } = createStoreOpener(harness);

  test("[DIGEST-5] after any history the digests equal what the records come to", async () => {
    const change = fc.record({
      key: fc.constantFrom("a", "b", "c", "d"),
      collection: fc.constantFrom(readings, batches),
      micros: fc.nat(20),
      value: fc.option(fc.record({ n: fc.nat(3) }), { nil: null }),
    });
    const pushes = fc.array(fc.array(change, { minLength: 1, maxLength: 4 }), { maxLength: 12 });
    const { store } = await open();
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(pushes, async (requests) => {
        // Each history in a space of its own: an opening takes longer than a history.
        runs += 1;
        const fresh = { space: `space-${runs}` as SpaceId };
        for (const request of requests) {
          const changes = request.map(({ key, collection, micros, value }) =>
            write(key, at(micros), value, { collection }),
          );
          // Not awaited one by one: some share a commit.
          void pushTo(store, changes, fresh);
        }
        await pushTo(store, [write("last", at(0), {})], fresh);
        const { pages, records } = await pullRun(store, { ...fresh, tombstones: true });
        const last = pages.at(-1);
        expect(last?.digests).toEqual(recomputeDigests(records));
        expect(records.map(({ seq }) => seq)).toEqual(
          [...new Set(records.map(({ seq }) => seq))].toSorted((a, b) => a - b),
        );
        expect(records.at(-1)?.seq).toBe(last?.head);
      }),
      { seed: 20_261_124, numRuns: 25 },
    );
  });
};

/** Pushes that share commits: their order, and that one which fails takes nobody with it. */
export const describeCommits = (harness: StoreHarness): void => {
  describe("commits", () => {
    describeTogether(harness);
    describeHistories(harness);
  });
};
