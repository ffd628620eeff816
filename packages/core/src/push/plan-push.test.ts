import { describe, expect, test } from "vitest";
import type { MergePolicy } from "../merge/merge-policy.ts";
import { STAMP_MAX } from "../stamp.ts";
import { type PushPlan, planPush } from "./plan-push.ts";
import {
  assign,
  at,
  batches,
  epochOf,
  pushInput,
  readings,
  type SamplePush,
  spaceState,
  stored,
  write,
} from "../../testing/samples.ts";

const plan = (sample: SamplePush): PushPlan => planPush(pushInput(sample));
const applied = (seq: number) => ({ kind: "applied", seq });
const superseded = (seq: number) => ({ kind: "superseded", seq });

const EARLIER = at("2026-11-24T11:59:59.999999Z");
const LATER = at("2026-11-24T12:00:00.000001Z");
const tooLong = { code: "value_too_large", message: "too large", path: "/value" } as const;

describe("a change that is refused before anything is read", () => {
  test("[PUSH-4] is answered with its reason and kept with its text", () => {
    const pushed = plan({ changes: [{ kind: "refused", rejection: tooLong, body: "{}" }] });
    expect(pushed.results).toEqual([{ kind: "rejected", rejection: tooLong }]);
    expect(pushed.refused).toEqual([{ rejection: tooLong, body: "{}" }]);
    expect(pushed.writes).toEqual([]);
    expect(pushed.evidence).toEqual([]);
  });

  test("[EVID-7] is kept without its text where that is too large", () => {
    const pushed = plan({ changes: [{ kind: "refused", rejection: tooLong, body: null }] });
    expect(pushed.refused).toEqual([{ rejection: tooLong, body: null }]);
  });

  test("[PUSH-5] blocks none of its neighbours, at any position", () => {
    const keys = ["a", "b", "c", "d"];
    for (const [bad] of keys.entries()) {
      const changes = keys.map((key, index) =>
        index === bad
          ? ({ kind: "refused", rejection: tooLong, body: null } as const)
          : write({ key }),
      );
      const pushed = plan({ changes });
      const kinds = keys.map((_, index) => (index === bad ? "rejected" : "applied"));
      expect(pushed.results.map((result) => result.kind)).toEqual(kinds);
      expect(pushed.writes.map(({ after }) => after.key)).toEqual(keys.toSpliced(bad, 1));
      expect(pushed.state.head).toBe(3);
    }
  });
});

describe("a change that loses", () => {
  const record = stored({ seq: 7, author: { name: "ann", verified: true } });

  test("[PUSH-3] is answered with the record that beat it, and nothing is written", () => {
    const pushed = plan({ records: [record], changes: [write({ stamp: EARLIER })] });
    expect(pushed.results).toEqual([superseded(7)]);
    expect(pushed.lostTo).toEqual([record]);
    expect(pushed.writes).toEqual([]);
    expect(pushed.state.head).toBe(7);
  });

  test("[LWW-3] a tie with other content loses, even with the right base", () => {
    const pushed = plan({ records: [record], changes: [write({ base: 7 })] });
    expect(pushed.results).toEqual([superseded(7)]);
    expect(pushed.evidence).toHaveLength(1);
  });

  test("[EVID-1] is evidence, with its own author", () => {
    const author = { name: "bob", verified: false };
    const pushed = plan({ records: [record], changes: [write({ stamp: EARLIER, author })] });
    expect(pushed.evidence).toEqual([
      {
        reason: "superseded",
        collection: "readings",
        key: "a",
        stamp: EARLIER,
        value: '{"n":2}',
        author,
      },
    ]);
  });

  test("[EVID-1] a delete that loses is evidence too", () => {
    const changes = [write({ stamp: EARLIER, value: null })];
    const pushed = plan({ records: [record], changes });
    expect(pushed.results).toEqual([superseded(7)]);
    expect(pushed.evidence).toMatchObject([{ reason: "superseded", value: null }]);
  });

  test("[PUSH-3] to a tombstone gets the tombstone", () => {
    const tombstone = stored({ seq: 7, value: null });
    const pushed = plan({ records: [tombstone], changes: [write({ stamp: EARLIER })] });
    expect(pushed.lostTo).toEqual([tombstone]);
  });
});

describe("a change that is stored already", () => {
  const record = stored({ seq: 7, value: '{"a":1,"b":0}' });

  test("[PUSH-7] is answered as before and changes nothing", () => {
    const changes = [write({ value: '{"b":-0,"a":1.0}' })];
    const input = pushInput({ records: [record], changes });
    const pushed = planPush(input);
    expect(pushed).toEqual({
      results: [applied(7)],
      lostTo: [],
      writes: [],
      evidence: [],
      refused: [],
      state: input.state,
    });
    expect(pushed.state).toBe(input.state);
  });

  test("[PUSH-7] by another author, or on another base, is the same change all the same", () => {
    const author = { name: "bob", verified: true };
    const changes = [write({ value: record.value, base: 3, author })];
    const pushed = plan({ records: [record], changes });
    expect(pushed.results).toEqual([applied(7)]);
    expect(pushed.evidence).toEqual([]);
  });

  test("[CLOCK-6] also if its stamp is ahead of a clock that has jumped back", () => {
    const ahead = stored({ seq: 7, stamp: STAMP_MAX });
    const changes = [write({ stamp: STAMP_MAX, value: ahead.value })];
    expect(plan({ records: [ahead], changes }).results).toEqual([applied(7)]);
  });
});

describe("a change that wins", () => {
  const record = stored({ seq: 7, author: { name: "ann", verified: true } });

  test("[PUSH-2] [CLOCK-5] takes the next seq, and the record is exactly the change, stamp included", () => {
    const author = { name: "bob", verified: true };
    const changes = [write({ stamp: LATER, base: 7, author })];
    const pushed = plan({ records: [record], state: spaceState({ head: 20 }), changes });
    const after = stored({ seq: 21, stamp: LATER, value: '{"n":2}', author });
    expect(pushed.results).toEqual([applied(21)]);
    expect(pushed.writes).toEqual([{ before: record, after }]);
    expect(pushed.lostTo).toEqual([]);
    expect(pushed.state.head).toBe(21);
  });

  test("[LWW-5] creates an absent record, whatever its stamp", () => {
    const changes = [write({ key: "old", stamp: at("0001-01-01T00:00:00Z") })];
    const pushed = plan({ changes });
    expect(pushed.results).toEqual([applied(1)]);
    expect(pushed.writes).toMatchObject([{ before: null, after: { key: "old", seq: 1 } }]);
  });

  test("[LWW-5] a delete of an absent record leaves a tombstone", () => {
    const pushed = plan({ changes: [write({ value: null })] });
    expect(pushed.results).toEqual([applied(1)]);
    expect(pushed.writes).toMatchObject([{ before: null, after: { seq: 1, value: null } }]);
    expect(pushed.state.digests.get(readings)).toEqual({ count: 0, sum: 0n });
  });

  test("[EVID-2] leaves no evidence of a version that its base names", () => {
    const pushed = plan({ records: [record], changes: [write({ stamp: LATER, base: 7 })] });
    expect(pushed.evidence).toEqual([]);
  });

  test.each([null, 0, 6, 8])(
    "[EVID-2] keeps the version that it did not know (base %j)",
    (base) => {
      const pushed = plan({ records: [record], changes: [write({ stamp: LATER, base })] });
      expect(pushed.results).toEqual([applied(8)]);
      expect(pushed.evidence).toEqual([
        {
          reason: "overwritten",
          collection: "readings",
          key: "a",
          stamp: record.stamp,
          value: record.value,
          author: record.author,
        },
      ]);
    },
  );

  test("[EVID-2] a delete that did not know the version keeps it", () => {
    const changes = [write({ stamp: LATER, value: null })];
    const pushed = plan({ records: [record], changes });
    expect(pushed.evidence).toMatchObject([{ reason: "overwritten", value: record.value }]);
  });

  test.each([null, 3, 7])("[EVID-3] keeps nothing of a tombstone (base %j)", (base) => {
    const tombstone = stored({ seq: 7, value: null });
    const pushed = plan({ records: [tombstone], changes: [write({ stamp: LATER, base })] });
    expect(pushed.results).toEqual([applied(8)]);
    expect(pushed.evidence).toEqual([]);
  });

  test.each([null, 3, 7, 99])("[PUSH-19] does so whatever its base says (%j)", (base) => {
    const newer = plan({ records: [record], changes: [write({ stamp: LATER, base })] });
    const older = plan({ records: [record], changes: [write({ stamp: EARLIER, base })] });
    expect(newer.results).toEqual([applied(8)]);
    expect(older.results).toEqual([superseded(7)]);
  });
});

describe("a request of many changes", () => {
  test("[PUSH-1] is answered one by one, in order", () => {
    const pushed = plan({
      records: [stored({ key: "lost", seq: 4 }), stored({ key: "same", seq: 5 })],
      changes: [
        write({ key: "new" }),
        write({ key: "lost", stamp: EARLIER }),
        { kind: "refused", rejection: tooLong, body: null },
        write({ key: "same", value: '{"n":1}' }),
        write({ key: "last", value: null }),
      ],
    });
    expect(pushed.results).toEqual([
      applied(6),
      superseded(4),
      { kind: "rejected", rejection: tooLong },
      applied(5),
      applied(7),
    ]);
  });

  test("[PUSH-8] the head advances by the records really changed, [PUSH-9] in the order of the changes", () => {
    const pushed = plan({
      records: [stored({ key: "same", seq: 40 })],
      changes: [
        write({ key: "z" }),
        write({ key: "same", value: '{"n":1}' }),
        write({ key: "a", collection: batches }),
        write({ key: "z", collection: batches }),
      ],
    });
    expect(pushed.state.head).toBe(43);
    expect(pushed.writes.map(({ after }) => [after.collection, after.key, after.seq])).toEqual([
      ["readings", "z", 41],
      ["batches", "a", 42],
      ["batches", "z", 43],
    ]);
  });

  test("[PUSH-8] of nothing leaves the state as it was", () => {
    const input = pushInput({ state: spaceState({ head: 9 }), epoch: epochOf("e2") });
    expect(planPush(input).state).toBe(input.state);
  });

  test("[PUSH-3] a record that beat several changes is told once", () => {
    const record = stored({ seq: 4 });
    const changes = [assign({ n: 2 }, { stamp: EARLIER }), assign({ n: 3 }, { stamp: EARLIER })];
    const pushed = plan({ records: [record], changes, checksClocks: false });
    expect(pushed.results).toEqual([superseded(4), superseded(4)]);
    expect(pushed.lostTo).toEqual([record]);
    expect(pushed.evidence).toHaveLength(2);
  });

  test("[PUSH-5] each collection is judged by its own policy", () => {
    const first: MergePolicy = { name: "last-write", judge: () => "lose" };
    const last: MergePolicy = { name: "last-write", judge: () => "replace" };
    const records = [stored({ seq: 1 }), stored({ collection: batches, seq: 2 })];
    const changes = [write(), write({ collection: batches })];
    const policyOf = (collection: string) => (collection === "batches" ? last : first);
    expect(plan({ records, changes, policyOf }).results).toEqual([superseded(1), applied(3)]);
  });
});

describe("epochs", () => {
  test("[EPOCH-4] the first write after an opening lists its epoch from the head before it", () => {
    const state = spaceState({ head: 9 });
    const changes = [write(), write({ key: "b" })];
    const pushed = plan({ state, epoch: epochOf("e2"), changes });
    expect(pushed.state.epochs).toEqual([
      { epoch: "e1", fromSeq: 0 },
      { epoch: "e2", fromSeq: 9 },
    ]);
  });

  test("[EPOCH-4] a push that changes nothing lists none", () => {
    const record = stored({ seq: 9 });
    const changes = [write({ value: record.value }), write({ key: "b", stamp: STAMP_MAX })];
    const input = pushInput({ records: [record], epoch: epochOf("e2"), changes });
    expect(planPush(input).state).toBe(input.state);
  });
});

describe("a prefix", () => {
  const keys = ["a", "b", "c", "d"];
  const records = keys.map((key, index) => stored({ key, seq: index + 1, value: '"12345678"' }));
  const losers = keys.map((key) => write({ key, stamp: EARLIER }));

  test.each([
    [0, 1],
    [9, 1],
    [19, 1],
    [20, 2],
    [29, 2],
    [30, 3],
    [39, 3],
    [40, 4],
    [41, 4],
  ])("[PUSH-11] records of 10 bytes, %i bytes at most: %i answers", (lostBytesMax, count) => {
    const pushed = plan({ records, changes: losers, lostBytesMax });
    expect(pushed.results).toHaveLength(count);
    expect(pushed.lostTo).toEqual(records.slice(0, count));
    expect(pushed.evidence).toHaveLength(count);
  });

  test("[PUSH-11] what follows it was neither judged nor applied", () => {
    const changes = [write({ key: "new" }), ...losers, write({ key: "unjudged" })];
    const pushed = plan({ records, changes, lostBytesMax: 15 });
    expect(pushed.results).toEqual([applied(5), superseded(1)]);
    expect(pushed.writes.map(({ after }) => after.key)).toEqual(["new"]);
    expect(pushed.state.head).toBe(5);
  });

  test("[PUSH-11] even a first record that alone passes the limit is told", () => {
    const pushed = plan({ records, changes: losers, lostBytesMax: 1 });
    expect(pushed.results).toEqual([superseded(1)]);
  });

  test("[PUSH-11] one that loses first, but not as first change, waits where it is too large", () => {
    const changes = [write({ key: "new" }), ...losers];
    const pushed = plan({ records, changes, lostBytesMax: 9 });
    expect(pushed.results).toEqual([applied(5)]);
  });

  test("[PUSH-11] a record is counted once, however many changes it beat", () => {
    const changes = ["1", "2", "3"].map((n) => write({ key: "a", value: n, stamp: EARLIER }));
    expect(plan({ records, changes, lostBytesMax: 10 }).results).toHaveLength(3);
  });

  test("[V1-4] of /v1 there is none: its answer can't say that the rest was not judged", () => {
    const stale = keys.map((key) => assign({ n: 1 }, { key, stamp: EARLIER }));
    const changes = [...stale, assign({ n: 1 }, { key: "new" })];
    const pushed = plan({ records, changes, checksClocks: false, lostBytesMax: 1 });
    expect(pushed.results).toEqual([...[1, 2, 3, 4].map(superseded), applied(5)]);
  });
});
