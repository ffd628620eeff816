import { describe, expect, test } from "vitest";
import {
  at,
  batches,
  createStoreOpener,
  days,
  expectTrueDigests,
  ledger,
  only,
  otherSpace,
  pushTo,
  readings,
  refused,
  space,
  type StoreHarness,
  TestClock,
  write,
} from "./store-harness.contract.ts";

const describeEvidence = (harness: StoreHarness): void => {
  const { open, optionsOf } = createStoreOpener(harness);
  const ofA = { collection: readings, key: "a", limit: 99 };

  test("[EVID-1] [EVID-2] what lost and what was overwritten unseen is kept, with who sent it and when", async () => {
    const clock = new TestClock();
    const { store } = await open({ clock });
    const author = { name: "ann", verified: true };
    await pushTo(store, [write("a", at(5), { n: 1 }, { author })], { clientId: "c1" });
    await pushTo(store, [write("a", at(4), { n: 2 })], { clientId: null, now: at(10) });
    await pushTo(store, [write("a", at(6), { n: 3 })], { clientId: "c3", now: at(11) });
    expect(await store.listEvidence(space, ofA)).toEqual([
      {
        reason: "overwritten",
        collection: readings,
        key: "a",
        stamp: at(5),
        value: '{"n":1}',
        author,
        clientId: "c3",
        keptAt: at(11),
      },
      {
        reason: "superseded",
        collection: readings,
        key: "a",
        stamp: at(4),
        value: '{"n":2}',
        author: null,
        clientId: null,
        keptAt: at(10),
      },
    ]);
  });

  test("[EVID-2] [EVID-3] a version that its successor knew, and a tombstone, are not kept", async () => {
    const { store } = await open();
    await pushTo(store, [write("a", at(1), { n: 1 })]);
    await pushTo(store, [write("a", at(2), null, { base: 1 })]);
    await pushTo(store, [write("a", at(3), { n: 3 })]);
    expect(await store.listEvidence(space, ofA)).toEqual([]);
    // A delete that lost is a change like any other.
    await pushTo(store, [write("a", at(2), null)]);
    expect(await store.listEvidence(space, ofA)).toMatchObject([{ stamp: at(2), value: null }]);
  });

  test("[EVID-4] a version is kept once, by collection, key, stamp and value", async () => {
    const { store } = await open();
    await pushTo(store, [
      write("a", at(9), { n: 0 }),
      write("b", at(9), { n: 0 }),
      write("a", at(9), { n: 0 }, { collection: batches }),
    ]);
    const losers = [
      [write("a", at(1), { n: 1 }), write("b", at(1), { n: 1 })],
      [write("a", at(1), { n: 1 }), write("a", at(1), { n: 1 }, { collection: batches })],
      [write("a", at(1), { n: 2 })],
      [write("a", at(2), { n: 1 })],
      [write("a", at(1), null)],
      [write("a", at(1), { n: 1 })],
    ];
    for (const changes of losers) await pushTo(store, changes, { clientId: `${changes.length}` });
    const kept = await store.listEvidence(space, { ...ofA, key: null });
    expect(kept.map(({ key, stamp, value }) => [key, stamp, value])).toEqual([
      ["a", at(1), null],
      ["a", at(2), '{"n":1}'],
      ["a", at(1), '{"n":2}'],
      ["b", at(1), '{"n":1}'],
      ["a", at(1), '{"n":1}'],
    ]);
    expect(await store.listEvidence(space, { ...ofA, collection: batches })).toHaveLength(1);
    expect(await store.listEvidence(otherSpace, ofA)).toEqual([]);
    expect(await store.listEvidence(space, { ...ofA, limit: 2 })).toEqual(
      kept.filter(({ key }) => key === "a").slice(0, 2),
    );
  });

  test("[EVID-5] [STORE-12] twenty a record are kept, the oldest go", async () => {
    const { store } = await open();
    await pushTo(store, [write("a", at(99), { n: 0 }), write("b", at(99), { n: 0 })]);
    await pushTo(store, [write("b", at(1), {})]);
    for (let count = 0; count < 23; count += 1) await pushTo(store, [write("a", at(count), {})]);
    const kept = await store.listEvidence(space, ofA);
    expect(kept.map(({ stamp }) => stamp)).toEqual(
      Array.from({ length: 20 }, (_, index) => at(22 - index)),
    );
    expect(await store.listEvidence(space, { ...ofA, key: "b" })).toHaveLength(1);
  });

  test("[EVID-5] evidence goes after 90 days by the clock, and the same version is then kept anew", async () => {
    const clock = new TestClock();
    const { store } = await open({ clock });
    await pushTo(store, [write("a", at(9), { n: 0 })]);
    await pushTo(store, [write("a", at(1), { n: 1 })], { now: at(0) });
    await pushTo(store, [write("a", at(2), { n: 2 })], { now: at(days(1)) });
    clock.now = at(days(90));
    expect(await store.listEvidence(space, ofA)).toHaveLength(2);
    clock.now = at(days(90) + 1);
    expect(await store.listEvidence(space, ofA)).toMatchObject([{ value: '{"n":2}' }]);
    await pushTo(store, [write("a", at(1), { n: 1 })], { now: clock.now });
    expect(await store.listEvidence(space, ofA)).toMatchObject([
      { value: '{"n":1}', keptAt: at(days(90) + 1) },
      { value: '{"n":2}' },
    ]);
  });

  test("[STORE-16] evidence, rejections and history are there after the next opening", async () => {
    const clock = new TestClock();
    const first = await open({ clock });
    await pushTo(first.store, [
      write("a", at(2), {}),
      refused("bad_key", "{}"),
      write("a", at(2), {}, { collection: ledger }),
    ]);
    await pushTo(first.store, [write("a", at(1), {})]);
    const { store } = await first.reopen(optionsOf(clock));
    expect(await store.listEvidence(space, ofA)).toHaveLength(1);
    expect(await store.listRejections(space, { clientId: "c1", limit: 9 })).toHaveLength(1);
    const ofLedger = { collection: ledger, key: "a", beforeSeq: null, limit: 9 };
    expect(await store.listHistory(space, ofLedger)).toHaveLength(1);
    await pushTo(store, [write("a", at(1), {})]);
    expect(await store.listEvidence(space, ofA)).toHaveLength(1);
  });
};

const describeRejections = (harness: StoreHarness): void => {
  const { open } = createStoreOpener(harness);
  const all = { clientId: null, limit: 9_999 };

  test("[EVID-7] a rejected change is kept with its reason, its client and its text", async () => {
    const { store } = await open();
    await pushTo(store, [refused("bad_key", '{"key":""}', "no key")], { now: at(7) });
    expect(await store.listRejections(space, all)).toEqual([
      {
        clientId: "c1",
        rejection: { code: "bad_key", message: "no key", path: "/value" },
        body: '{"key":""}',
        keptAt: at(7),
      },
    ]);
  });

  test("[EVID-9] stamp_ahead is not kept; stale is, with the change's text", async () => {
    const { store } = await open();
    await pushTo(store, [write("gone", at(1), null)], { now: at(9) });
    await store.purge(space, at(10));
    const outcome = await pushTo(store, [
      write("a", at(days(1)), {}),
      write("gone", at(9), { n: 1 }),
      write("gone", at(9), null),
      write("new", at(10), { n: 1 }),
    ]);
    expect(outcome.results).toMatchObject([
      { rejection: { code: "stamp_ahead" } },
      { rejection: { code: "stale" } },
      { kind: "applied", seq: 0 },
      { kind: "applied", seq: 2 },
    ]);
    const kept = await store.listRejections(space, all);
    expect(kept.map(({ rejection }) => rejection.code)).toEqual(["stale"]);
    expect(JSON.parse(kept[0]?.body ?? "null")).toMatchObject({ key: "gone", value: { n: 1 } });
  });

  test("[EVID-8] the same refusal of the same change by the same client is kept once", async () => {
    const { store } = await open();
    const push = async (
      clientId: string | null,
      code: "bad_key" | "bad_value",
      body: string | null,
    ) => pushTo(store, [refused(code, body)], { clientId });
    await push("c1", "bad_key", "x");
    await push(null, "bad_key", "x");
    await push("c1", "bad_value", "x");
    await push("c1", "bad_key", null);
    await push("c1", "bad_key", "");
    for (const [client, body] of [
      ["c1", "x"],
      ["c1", null],
      [null, "x"],
    ] as const) {
      expect(await push(client, "bad_key", body)).toMatchObject({ changed: 0 });
    }
    const kept = await store.listRejections(space, all);
    expect(kept.map(({ clientId, rejection, body }) => [clientId, rejection.code, body])).toEqual([
      ["c1", "bad_key", ""],
      ["c1", "bad_key", null],
      ["c1", "bad_value", "x"],
      [null, "bad_key", "x"],
      ["c1", "bad_key", "x"],
    ]);
    expect(await store.listRejections(space, { clientId: "c1", limit: 2 })).toEqual(
      kept.slice(0, 2),
    );
    expect(await store.listRejections(space, { clientId: "c2", limit: 2 })).toEqual([]);
  });

  test("[EVID-8] changes that are too large to keep are told apart, and each is kept once", async () => {
    const { store } = await open();
    const large = (bodyHash: string) => ({ ...refused("bad_key", null), bodyHash });
    await pushTo(store, [large("aa"), large("bb"), large("aa")]);
    await pushTo(store, [large("bb")]);
    const kept = await store.listRejections(space, all);
    expect(kept).toHaveLength(2);
    for (const each of kept) {
      expect(Object.keys(each).toSorted()).toEqual(["body", "clientId", "keptAt", "rejection"]);
    }
  });

  test("[EVID-7] [EVID-8] a stale change that is too large to keep loses its text, not its place", async () => {
    const { store } = await open({ limits: { rejectedBytesMax: 200 } });
    await pushTo(store, [write("gone", at(0), null)], { now: at(1) });
    expect(await store.purge(space, at(2))).toMatchObject({ purged: 1 });
    const text = "x".repeat(200);
    const late = [write("a", at(1), { text }), write("b", at(1), { text })];
    await pushTo(store, [...late, write("c", at(1), {})], { now: at(3) });
    await pushTo(store, late, { now: at(4) });
    const kept = await store.listRejections(space, all);
    expect(kept.map(({ rejection }) => rejection.code)).toEqual(["stale", "stale", "stale"]);
    expect(kept.map(({ body }) => body !== null)).toEqual([true, false, false]);
  });

  test("[EVID-8] [STORE-18] they are counted when a push is over: one that is kept already is not kept anew", async () => {
    const { store } = await open({ limits: { rejectionsPerSpaceMax: 2 } });
    for (const body of ["a", "b"]) await pushTo(store, [refused("bad_key", body)]);
    await pushTo(store, [refused("bad_key", "c"), refused("bad_key", "a")]);
    const kept = await store.listRejections(space, all);
    expect(kept.map(({ body }) => body)).toEqual(["c", "b"]);
  });

  test("[EVID-8] [STORE-12] a thousand a space are kept, the oldest go", async () => {
    const { store } = await open();
    await pushTo(store, [refused("bad_key", "other")], { space: otherSpace });
    const bodies = Array.from({ length: 1_003 }, (_, index) => `body ${index}`);
    await pushTo(
      store,
      bodies.slice(0, 500).map((body) => refused("bad_key", body)),
    );
    await pushTo(
      store,
      bodies.slice(500).map((body) => refused("bad_key", body)),
      {
        clientId: "c2",
      },
    );
    const kept = await store.listRejections(space, all);
    expect(kept.map(({ body }) => body)).toEqual(bodies.slice(3).toReversed());
    expect(await store.listRejections(otherSpace, all)).toHaveLength(1);
    expect(await store.listRejections(space, { clientId: "c1", limit: 9_999 })).toHaveLength(497);
  });
};

const describeHistory = (harness: StoreHarness): void => {
  const { open, optionsOf } = createStoreOpener(harness);

  test("[STORE-13] every version written while history was declared, newest first", async () => {
    const clock = new TestClock();
    const first = await open({ clock });
    const author = { name: "bob", verified: false };
    const inLedger = { collection: ledger, author };
    await pushTo(first.store, [
      write("a", at(1), { n: 1 }, inLedger),
      write("b", at(1), { n: 9 }, inLedger),
      write("a", at(1), { n: 9 }),
    ]);
    await pushTo(first.store, [write("a", at(3), null, inLedger), write("a", at(9), { n: 8 })]);
    await pushTo(first.store, [write("a", at(2), { n: 2 }, inLedger)]);
    await pushTo(first.store, [write("a", at(4), { n: 4 }, inLedger)]);
    const of = { collection: ledger, key: "a", beforeSeq: null, limit: 99 };
    const history = await first.store.listHistory(space, of);
    expect(history).toEqual(
      [
        { seq: 6, stamp: at(4), value: '{"n":4}' },
        { seq: 4, stamp: at(3), value: null },
        { seq: 1, stamp: at(1), value: '{"n":1}' },
      ].map((version) => ({ ...version, key: "a", fieldState: null, ...inLedger })),
    );
    expect(await first.store.listHistory(space, { ...of, limit: 1 })).toEqual(history.slice(0, 1));
    expect(await first.store.listHistory(space, { ...of, beforeSeq: 6, limit: 1 })).toEqual(
      history.slice(1, 2),
    );
    expect(await first.store.listHistory(space, { ...of, beforeSeq: 1 })).toEqual([]);
    expect(await first.store.listHistory(space, { ...of, collection: readings })).toEqual([]);
    expect(await first.store.listHistory(otherSpace, of)).toEqual([]);

    // Declared again, its records move on; the versions keep the seqs that they were written with.
    const second = await first.reopen(optionsOf(clock, only(readings)));
    const third = await second.reopen(optionsOf(clock));
    expect(await third.store.listHistory(space, of)).toEqual(history);
    await pushTo(third.store, [write("a", at(5), { n: 5 }, inLedger)]);
    const [newest] = await third.store.listHistory(space, { ...of, limit: 1 });
    expect(newest).toMatchObject({ value: '{"n":5}' });
    expect(newest?.seq).toBeGreaterThan(6);
    await expectTrueDigests(third.store);
  });
};

/** What a push leaves behind besides records: evidence, rejections, history. */
export const describeKeeping = (harness: StoreHarness): void => {
  describe("what is kept", () => {
    describeEvidence(harness);
    describeRejections(harness);
    describeHistory(harness);
  });
};
