import { describe, expect, test } from "vitest";
import {
  assign,
  at,
  batches,
  createStoreOpener,
  expectTrueDigests,
  otherSpace,
  pullRequest,
  pullRun,
  pushTo,
  readings,
  refused,
  space,
  type StoreHarness,
  write,
} from "./store-harness.contract.ts";

const describeOutcomes = (harness: StoreHarness): void => {
  const { open } = createStoreOpener(harness);

  test("[STORE-5] a refused change creates the space and takes no seq", async () => {
    const { store } = await open();
    const outcome = await pushTo(store, [refused("bad_key", "{}")]);
    expect(outcome).toEqual({
      kind: "committed",
      results: [
        {
          kind: "rejected",
          rejection: { code: "bad_key", message: "it breaks a rule", path: "/value" },
        },
      ],
      lostTo: [],
      position: { epoch: store.epoch, seq: 0 },
      changed: 0,
    });
    const { position } = await store.pull(pullRequest());
    expect(position).toEqual({ epoch: store.epoch, seq: 0, collections: null, start: null });
  });

  test("[STORE-5] a push without changes creates no space", async () => {
    const { store } = await open();
    expect(await pushTo(store, [])).toMatchObject({ results: [], changed: 0 });
    expect((await store.pull(pullRequest())).position).toBeNull();
  });

  test("[PUSH-8] each change to an absent record is applied and takes the next seq, deletes included", async () => {
    const { store } = await open();
    const author = { name: "ann", verified: true };
    const outcome = await pushTo(store, [
      write("a", at(3), { n: 1 }, { author }),
      write("b", at(1), null),
      write("a", at(2), { n: 3 }, { collection: batches }),
    ]);
    expect(outcome).toEqual({
      kind: "committed",
      results: [1, 2, 3].map((seq) => ({ kind: "applied", seq })),
      lostTo: [],
      position: { epoch: store.epoch, seq: 3 },
      changed: 3,
    });
    const { records } = await store.pull(pullRequest({ tombstones: true }));
    expect(records).toEqual([
      {
        collection: readings,
        key: "a",
        seq: 1,
        stamp: at(3),
        value: '{"n":1}',
        fieldState: null,
        author,
      },
      {
        collection: readings,
        key: "b",
        seq: 2,
        stamp: at(1),
        value: null,
        fieldState: null,
        author: null,
      },
      {
        collection: batches,
        key: "a",
        seq: 3,
        stamp: at(2),
        value: '{"n":3}',
        fieldState: null,
        author: null,
      },
    ]);
  });

  test("[LWW-1] a newer stamp replaces, an older one loses to the record that it is told", async () => {
    const { store } = await open();
    const author = { name: "an other's", verified: false };
    await pushTo(store, [write("a", at(10), { n: 1 }), write("b", at(10), { n: 1 })]);
    const outcome = await pushTo(store, [
      write("a", at(11), { n: 2 }, { author }),
      write("b", at(9), { n: 2 }),
    ]);
    expect(outcome).toMatchObject({
      results: [
        { kind: "applied", seq: 3 },
        { kind: "superseded", seq: 2 },
      ],
      lostTo: [{ key: "b", seq: 2, stamp: at(10), value: '{"n":1}' }],
      position: { seq: 3 },
      changed: 1,
    });
    const { records } = await store.pull(pullRequest());
    expect(records.map(({ key, seq, value, author: by }) => [key, seq, value, by])).toEqual([
      ["b", 2, '{"n":1}', null],
      ["a", 3, '{"n":2}', author],
    ]);
  });

  test("[PUSH-7] a change sent again is answered as before, and changes nothing", async () => {
    const { store } = await open();
    const changes = [write("a", at(1), { n: 1, m: 2 }), write("b", at(1), null)];
    await pushTo(store, changes);
    const again = await pushTo(store, [
      { ...write("a", at(1), { m: 2, n: 1 }) },
      write("b", at(1), null),
    ]);
    expect(again).toMatchObject({
      results: [
        { kind: "applied", seq: 1 },
        { kind: "applied", seq: 2 },
      ],
      position: { seq: 2 },
      changed: 0,
    });
    expect((await store.pull(pullRequest())).records[0]?.value).toBe('{"n":1,"m":2}');
  });

  test("[LWW-3] an equal stamp with other content loses, to a tombstone too", async () => {
    const { store } = await open();
    await pushTo(store, [write("a", at(1), { n: 1 }), write("b", at(1), null)]);
    const outcome = await pushTo(store, [
      write("a", at(1), null),
      write("b", at(1), { n: 1 }),
      write("a", at(1), null, { collection: batches }),
    ]);
    expect(outcome).toMatchObject({
      results: [{ kind: "superseded", seq: 1 }, { kind: "superseded", seq: 2 }, { seq: 3 }],
      lostTo: [
        { key: "a", value: '{"n":1}' },
        { key: "b", value: null },
      ],
      changed: 1,
    });
  });

  test("[LWW-4] a tombstone gives way to what is newer and beats what is older", async () => {
    const { store } = await open();
    await pushTo(store, [write("a", at(1), { n: 1 })]);
    await pushTo(store, [write("a", at(3), null, { base: 1 })]);
    expect((await pushTo(store, [write("a", at(2), { n: 2 })])).results).toEqual([
      { kind: "superseded", seq: 2 },
    ]);
    expect((await pushTo(store, [write("a", at(4), { n: 3 })])).results).toEqual([
      { kind: "applied", seq: 3 },
    ]);
    await expectTrueDigests(store);
  });

  test("[PUSH-5] a rejected change stands between neighbours that are applied", async () => {
    const { store } = await open();
    const outcome = await pushTo(store, [
      write("a", at(1), { n: 1 }),
      refused("bad_value", null),
      write("b", at(301_000_000), { n: 1 }),
      write("c", at(1), { n: 1 }),
    ]);
    expect(outcome).toMatchObject({
      results: [
        { kind: "applied", seq: 1 },
        { kind: "rejected", rejection: { code: "bad_value" } },
        { kind: "rejected", rejection: { code: "stamp_ahead", stored: null } },
        { kind: "applied", seq: 2 },
      ],
      changed: 2,
    });
  });

  test("[CLOCK-3] a stamp ahead of the clock and of the stored stamp is told that stamp", async () => {
    const { store } = await open();
    await pushTo(store, [write("a", at(400_000_000), { n: 1 })], { checksClocks: false });
    const outcome = await pushTo(store, [write("a", at(402_000_000), { n: 2 })]);
    expect(outcome.results).toMatchObject([
      { kind: "rejected", rejection: { code: "stamp_ahead", stored: at(400_000_000) } },
    ]);
  });

  test("[PUSH-11] a push ends where the records that beat its changes grow too many", async () => {
    const { store } = await open({ limits: { lostBytesMax: 1_500 } });
    const big = { text: "x".repeat(1_000) };
    await pushTo(store, [write("a", at(9), big), write("b", at(9), big)]);
    const outcome = await pushTo(store, [
      write("a", at(1), { n: 1 }),
      write("c", at(1), { n: 1 }),
      write("b", at(1), { n: 1 }),
      write("d", at(1), { n: 1 }),
    ]);
    expect(outcome.results.map(({ kind }) => kind)).toEqual(["superseded", "applied"]);
    expect(outcome.lostTo.map(({ key }) => key)).toEqual(["a"]);
    const { records } = await store.pull(pullRequest());
    expect(records.map(({ key }) => key)).toEqual(["a", "b", "c"]);
  });

  test("[V1-12] a record that one request sets twice changes once and keeps its other members", async () => {
    const { store } = await open();
    await pushTo(store, [write("a", at(1), { n: 1, note: "kept" })]);
    const outcome = await pushTo(
      store,
      [
        assign("a", at(2), { n: 2 }),
        assign("b", at(2), { n: 1 }),
        assign("a", at(3), { n: 3 }),
        assign("a", at(2), { n: 9 }),
      ],
      { checksClocks: false },
    );
    expect(outcome.results).toEqual([
      { kind: "applied", seq: 2 },
      { kind: "applied", seq: 3 },
      { kind: "applied", seq: 2 },
      { kind: "superseded", seq: 2 },
    ]);
    expect(outcome).toMatchObject({ changed: 2, lostTo: [{ key: "a", seq: 2 }] });
    const { records } = await store.pull(pullRequest());
    expect(records.map(({ key, seq, value }) => [key, seq, value])).toEqual([
      ["a", 2, '{"n":3,"note":"kept"}'],
      ["b", 3, '{"n":1}'],
    ]);
    await expectTrueDigests(store);
  });

  test("spaces are apart: each has its own seqs, records and digests", async () => {
    const { store } = await open();
    await pushTo(store, [write("a", at(1), { n: 1 }), write("b", at(1), { n: 1 })]);
    const outcome = await pushTo(store, [write("a", at(5), { n: 2 })], { space: otherSpace });
    expect(outcome).toMatchObject({ results: [{ kind: "applied", seq: 1 }] });
    expect((await store.pull(pullRequest())).records.map(({ value }) => value)).toEqual([
      '{"n":1}',
      '{"n":1}',
    ]);
    await expectTrueDigests(store);
    await expectTrueDigests(store, otherSpace);
  });
};

const describeTexts = (harness: StoreHarness): void => {
  const { open } = createStoreOpener(harness);

  test.each([
    ["quotes and SQL", `a'b"c\`; DROP TABLE records; -- \\ %_?1 :x`],
    ["control characters", "\u0001\u0008\t\r\n\u007f\u0085\u2028\ufeff"],
    ["emoji and combining marks", "🏷️👩‍👩‍👧 \u00e9 e\u0301 ﷺ"],
    ["250 astral code points", "😀".repeat(250)],
    ["the last code points", "\uffff\u{10ffff}\ufffd"],
    ["a path", "../../etc/passwd"],
    ["a member of Object", "__proto__"],
  ])(
    "[DATA-6] %s come back as they were sent, as key, value, author and client",
    async (_, text) => {
      const { store } = await open();
      const author = { name: text, verified: true };
      const change = write(text, at(1), { [`${text}!`]: text }, { author });
      await pushTo(store, [change, refused("bad_value", text, text)], { clientId: text });
      await pushTo(store, [write(text, at(0), { old: text })], { clientId: text });
      const { records } = await store.pull(pullRequest());
      expect(records).toEqual([
        {
          collection: readings,
          key: text,
          seq: 1,
          stamp: at(1),
          value: change.value,
          fieldState: null,
          author,
        },
      ]);
      expect(await store.listRejections(space, { clientId: text, limit: 9 })).toMatchObject([
        { clientId: text, body: text, rejection: { message: text } },
      ]);
      expect(
        await store.listEvidence(space, { collection: readings, key: text, limit: 9 }),
      ).toMatchObject([{ key: text, clientId: text, value: JSON.stringify({ old: text }) }]);
      const snapshot = await store.openSnapshot(space);
      expect(await snapshot.lookup(readings, [text])).toEqual(records);
      await snapshot.close();
      await expectTrueDigests(store);
    },
  );

  test("[LIMIT-5] values of 256 KiB, in a batch of 4 MiB", async () => {
    const { store } = await open();
    const value = (index: number): string =>
      JSON.stringify({ text: String.fromCodePoint(0x1f600 + index).repeat(65_530) });
    const changes = Array.from({ length: 16 }, (_, index) => ({
      ...write(`k${index}`, at(1), {}),
      value: value(index),
    }));
    await pushTo(store, changes);
    const { records, pages } = await pullRun(store, { bytesMax: 1024 * 1024 });
    expect(records.map((record) => record.value)).toEqual(changes.map((change) => change.value));
    expect(pages.map((page) => page.records.length)).toEqual([3, 3, 3, 3, 3, 1]);
  });
};

/** What each change comes to, and that texts stay as they are. */
export const describePush = (harness: StoreHarness): void => {
  describe("push", () => {
    describeOutcomes(harness);
    describeTexts(harness);
  });
};
