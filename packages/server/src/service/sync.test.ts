import type { Ack, CollectionName, Cursor, Stamp, StoredRecord } from "@synchro/core";
import { describe, expect, test } from "vitest";
import type { PullAnswer, PullInput } from "./pull.ts";
import type { PushAnswer, PushInput } from "./push.ts";
import { createSync, type SyncInput } from "./sync.ts";

const record = (key: string, seq: number): StoredRecord => ({
  collection: "readings" as CollectionName,
  key,
  seq,
  stamp: "2026-11-24T10:00:00.000000Z" as Stamp,
  value: "{}",
  fieldState: null,
  author: null,
});

const page = (more: Partial<PullAnswer> = {}): PullAnswer => ({
  reset: null,
  records: [],
  more: false,
  cursor: "c" as Cursor,
  digest: { at: 9, collections: new Map() },
  ...more,
});

const committed = (
  more: Partial<Extract<PushAnswer, { kind: "committed" }>> = {},
): Extract<PushAnswer, { kind: "committed" }> => ({
  kind: "committed",
  results: [],
  lostTo: [],
  ack: "own" as Ack,
  head: 9,
  now: "2026-11-24T10:00:00.000000Z" as Stamp,
  ...more,
});

const setUp = (push: PushAnswer, pull: PullAnswer) => {
  const calls: (PushInput | PullInput)[] = [];
  const sync = createSync({
    push: async (input) => {
      calls.push(input);
      return push;
    },
    pull: async (input) => {
      calls.push(input);
      return pull;
    },
  });
  return { calls, sync };
};

const change = { kind: "refused" } as unknown as SyncInput["changes"][number];

const input = (more: Partial<SyncInput> = {}, pull: Partial<PullInput> = {}): SyncInput => ({
  pull: {
    space: "shop-1" as PullInput["space"],
    cursor: "c0",
    ack: null,
    collections: null,
    tombstones: false,
    limit: 5,
    ...pull,
  },
  clientId: "c1",
  changes: [change],
  pulls: true,
  ...more,
});

test("[PUSH-22] a full disk is the answer, and nothing is read after it", async () => {
  const { sync, calls } = setUp({ kind: "full" }, page());
  expect(await sync(input())).toEqual({ kind: "full" });
  expect(calls).toHaveLength(1);
});

test("[SPACE-7] a space that is full is the answer, and nothing is read after it", async () => {
  const { sync, calls } = setUp({ kind: "over_quota", recordsMax: 3 }, page());
  expect(await sync(input())).toEqual({ kind: "over_quota", recordsMax: 3 });
  expect(calls).toHaveLength(1);
});

test("[PUSH-15] a request without changes is no push", async () => {
  const { sync, calls } = setUp(committed(), page());
  const answer = await sync(input({ changes: [] }));
  expect(answer).toMatchObject({ push: null, pull: page(), records: [] });
  expect(calls).toEqual([{ ...input().pull, told: new Set() }]);
});

test("[PUSH-12] the changes come first, with clocks checked, and the page after them", async () => {
  const { sync, calls } = setUp(committed(), page());
  await sync(input());
  const { space } = input().pull;
  // A cursor that is none says nothing of what its sender has seen.
  const from = { clientId: "c1", checksClocks: true, positions: [] };
  expect(calls[0]).toEqual({ space, changes: [change], ...from });
  expect(calls[1]).toMatchObject({ cursor: "c0", limit: 5 });
});

test("[PULL-1] the page is told of each seq that results tell, and of no other", async () => {
  const results = [
    { kind: "applied", seq: 7 },
    { kind: "superseded", seq: 3 },
    { kind: "rejected", rejection: { code: "stale", message: "", path: "" } },
    { kind: "applied", seq: 8 },
  ] as const;
  const { sync, calls } = setUp(committed({ results }), page());
  await sync(input());
  expect(calls[1]).toMatchObject({ told: new Set([7, 8]) });
});

test("[PULL-5] what beat a change comes first, the page after it, and no seq twice", async () => {
  const lostTo = [record("b", 4), record("a", 2)];
  // Between push and page somebody has written b again: the older version comes first.
  const records = [record("a", 2), record("c", 5), record("b", 6)];
  const { sync } = setUp(committed({ lostTo }), page({ records }));
  const answer = await sync(input());
  const seqs = answer.kind === "answered" ? answer.records.map(({ seq }) => seq) : [];
  expect(seqs).toEqual([4, 2, 5, 6]);
});

describe("a push alone", () => {
  test("[PUSH-13] reads no page", async () => {
    const { sync, calls } = setUp(committed({ lostTo: [record("a", 2)] }), page());
    const answer = await sync(input({ pulls: false }));
    expect(answer).toMatchObject({ pull: null, records: [{ key: "a" }], push: { ack: "own" } });
    expect(calls).toHaveLength(1);
  });

  test("[RESET-1] keeps the client's ack where a reset is due, so that a pull will judge it", async () => {
    const { sync, calls } = setUp(committed(), page({ reset: "offer" }));
    const answer = await sync(input({ pulls: false }, { ack: "elsewhere" }));
    expect(answer).toMatchObject({ push: { ack: "elsewhere" }, pull: null });
    expect(calls[1]).toMatchObject({ ack: "elsewhere", cursor: null });
  });

  test("gives its own ack where the client's is valid", async () => {
    const { sync } = setUp(committed(), page());
    const answer = await sync(input({ pulls: false }, { ack: "old" }));
    expect(answer).toMatchObject({ push: { ack: "own" } });
  });

  test("of no changes answers nothing", async () => {
    const { sync, calls } = setUp(committed(), page());
    const answer = await sync(input({ pulls: false, changes: [] }));
    expect(answer).toEqual({ kind: "answered", push: null, pull: null, records: [] });
    expect(calls).toEqual([]);
  });
});
