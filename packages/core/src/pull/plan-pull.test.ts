import { describe, expect, test } from "vitest";
import type { CursorPosition, Decoded } from "../cursor.ts";
import type { EpochPosition } from "../epoch.ts";
import { endOfPage, planPull, type PullRequest } from "./plan-pull.ts";
import { batches, epochOf, readings, spaceState } from "../../testing/samples.ts";

const e1 = epochOf("e1");
const e2 = epochOf("e2");

/** Head 40; opened again at 25; tombstones up to 10 were purged. */
const state = spaceState({
  head: 40,
  floor: 10,
  epochs: [
    { epoch: e1, fromSeq: 0 },
    { epoch: e2, fromSeq: 25 },
  ],
});

const cursorAt = (seq: number, parts: Partial<CursorPosition> = {}): CursorPosition => ({
  epoch: e2,
  seq,
  collections: null,
  start: null,
  ...parts,
});

const request = (
  cursor: Decoded<CursorPosition>,
  parts: Partial<PullRequest> = {},
): PullRequest => ({ cursor, ack: null, collections: null, tombstones: false, ...parts });

const offer = { reset: "offer", after: 0, tombstonesAfter: 0, start: 40 };
const drop = { reset: "drop", after: 0, tombstonesAfter: 40, start: 40 };

describe("offer", () => {
  test.each<[string, CursorPosition]>([
    ["an epoch that is not listed", cursorAt(30, { epoch: epochOf("e9") })],
    ["a seq past the head", cursorAt(41)],
    ["a seq of an older epoch past the next one's first", cursorAt(26, { epoch: e1 })],
  ])("[RESET-2] for a cursor of %s", (_, cursor) => {
    expect(planPull(state, request(cursor))).toEqual(offer);
  });

  test.each<[string, CursorPosition]>([
    ["its head", cursorAt(5, { epoch: e1, head: 26 })],
    ["its start", cursorAt(5, { epoch: e1, start: 26 })],
    ["its head, in the last epoch", cursorAt(30, { head: 41 })],
    ["its start, in the last epoch", cursorAt(30, { start: 41 })],
  ])("[EPOCH-3] for one that was read from a snapshot past the data's: by %s", (_, cursor) => {
    expect(planPull(state, request(cursor))).toEqual(offer);
  });

  test("[RESET-2] for a cursor that can't be decoded", () => {
    expect(planPull(state, request("invalid"))).toEqual(offer);
  });

  test.each<[string, Decoded<EpochPosition>]>([
    ["of an epoch that is not listed", { epoch: epochOf("e9"), seq: 1 }],
    ["past the head", { epoch: e2, seq: 41 }],
    ["past the next epoch's first", { epoch: e1, seq: 26 }],
    ["that can't be decoded", "invalid"],
  ])("[RESET-2] for an ack %s, whatever the cursor is", (_, ack) => {
    for (const cursor of [null, cursorAt(30), cursorAt(3)] as const) {
      expect(planPull(state, request(cursor, { ack }))).toEqual(offer);
    }
  });

  test("[RESET-8] a null cursor with a bad ack", () => {
    expect(planPull(state, request(null, { ack: "invalid" })).reset).toBe("offer");
  });

  test("[RESET-1] is judged before drop: another set, below the floor and not valid", () => {
    const cursor = cursorAt(3, { epoch: epochOf("e9"), collections: [readings] });
    expect(planPull(state, request(cursor))).toEqual(offer);
    const ack = { epoch: e2, seq: 41 };
    expect(planPull(state, request(cursorAt(3), { ack }))).toEqual(offer);
  });

  test("[RESET-3] in a space that does not exist for any cursor and any ack", () => {
    const empty = { reset: "offer", after: 0, tombstonesAfter: 0, start: 0 };
    expect(planPull(null, request(cursorAt(0)))).toEqual(empty);
    expect(planPull(null, request("invalid"))).toEqual(empty);
    expect(planPull(null, request(null, { ack: { epoch: e1, seq: 0 } }))).toEqual(empty);
  });

  test("[RESET-7] sends every tombstone, then and in each later request that says so", () => {
    expect(planPull(state, request("invalid")).tombstonesAfter).toBe(0);
    const later = cursorAt(15, { start: 40 });
    expect(planPull(state, request(later, { tombstones: true })).tombstonesAfter).toBe(0);
  });
});

describe("drop after a restore that was final", () => {
  // Data of the first life up to 20 were put back for good: the second life began there.
  const first = epochOf("00000000000000000001");
  const lost = epochOf("00000000000000000002");
  const second = epochOf("00000000000000000003f1");
  const lostLater = epochOf("00000000000000000004f1");
  const given = spaceState({
    head: 40,
    epochs: [
      { epoch: first, fromSeq: 0 },
      { epoch: second, fromSeq: 20 },
    ],
  });
  const dropped = { reset: "drop", after: 0, tombstonesAfter: 40, start: 40 };

  test.each([
    ["of an epoch that the given-up data alone listed", { epoch: lost, seq: 5 }],
    ["past the moment that was put back", { epoch: first, seq: 21 }],
    ["past the head", { epoch: first, seq: 41 }],
  ])("[RESET-10] a cursor or an ack %s", (_, position) => {
    const cursor = { ...position, collections: null, start: null };
    expect(planPull(given, request(cursor))).toEqual(dropped);
    expect(planPull(given, request(null, { ack: position }))).toEqual(dropped);
    expect(planPull(given, request(cursorAt(30, { epoch: second }), { ack: position }))).toEqual(
      dropped,
    );
  });

  test("[RESET-10] what of the life before was kept resets nobody", () => {
    expect(planPull(given, request(cursorAt(20, { epoch: first }))).reset).toBeNull();
    expect(planPull(given, request(null, { ack: { epoch: first, seq: 20 } })).reset).toBeNull();
  });

  test("[RESET-2] [EPOCH-7] what was lost later, of the same life or a greater one, is offered as ever", () => {
    expect(planPull(given, request(cursorAt(5, { epoch: lostLater }))).reset).toBe("offer");
    expect(planPull(given, request(cursorAt(41, { epoch: second }))).reset).toBe("offer");
    const greater = epochOf("00000000000000000005f2");
    expect(planPull(given, request(cursorAt(5, { epoch: greater }))).reset).toBe("offer");
    expect(planPull(given, request("invalid")).reset).toBe("offer");
  });

  test("[RESET-1] an offer comes before it: one of cursor and ack is of this life", () => {
    const old = cursorAt(5, { epoch: lost });
    expect(planPull(given, request(old, { ack: { epoch: lostLater, seq: 5 } })).reset).toBe(
      "offer",
    );
  });

  test("[RESET-10] comes before other reasons to drop, with the same answer, and not twice", () => {
    const other = cursorAt(5, { epoch: lost, collections: [readings] });
    const floored = { ...given, floor: 30 };
    expect(planPull(floored, request(other))).toEqual(dropped);
    const next = endOfPage(floored, planPull(floored, request(other)), null, {
      more: true,
      lastSeq: 3,
    });
    expect(planPull(floored, request(next)).reset).toBeNull();
  });
});

describe("drop", () => {
  test.each([
    [null, [readings]],
    [[readings], null],
    [[readings], [batches]],
    [[readings], [batches, readings]],
    [[batches, readings], [readings]],
  ])("[RESET-4] for a cursor of %j asked with %j", (held, asked) => {
    const cursor = cursorAt(30, { collections: held });
    expect(planPull(state, request(cursor, { collections: asked }))).toEqual(drop);
  });

  test("[RESET-5] below the floor, to the seq", () => {
    expect(planPull(state, request(cursorAt(9)))).toEqual(drop);
    expect(planPull(state, request(cursorAt(9, { start: 9 })))).toEqual(drop);
    expect(planPull(state, request(cursorAt(10))).reset).toBeNull();
  });

  test("[RESET-5] not in a run that began at or above it: a first sync ends", () => {
    expect(planPull(state, request(cursorAt(3, { start: 10 }))).reset).toBeNull();
    expect(planPull(state, request(cursorAt(0, { start: 40 }))).reset).toBeNull();
    expect(planPull(state, request(cursorAt(12, { start: 2 }))).reset).toBeNull();
  });

  test("[RESET-6] begins a run whose start is the head, [PULL-13] with tombstones above it only", () => {
    expect(planPull(state, request(cursorAt(9)))).toEqual({
      reset: "drop",
      after: 0,
      tombstonesAfter: 40,
      start: 40,
    });
  });

  test("[PULL-14] sends every tombstone if the request says so", () => {
    const plan = planPull(state, request(cursorAt(9), { tombstones: true }));
    expect(plan).toEqual({ ...drop, tombstonesAfter: 0 });
  });
});

describe("no reset", () => {
  test("[PULL-9] a null cursor begins a run from the beginning", () => {
    const plan = planPull(state, request(null));
    expect(plan).toEqual({ reset: null, after: 0, tombstonesAfter: 40, start: 40 });
  });

  test("[PULL-14] … with every tombstone, if it says so", () => {
    const plan = planPull(state, request(null, { tombstones: true }));
    expect(plan).toEqual({ reset: null, after: 0, tombstonesAfter: 0, start: 40 });
  });

  test("[RESET-8] a null cursor is never reset on its own account, of any set, above any floor", () => {
    const purged = spaceState({ head: 40, floor: 40 });
    expect(planPull(purged, request(null, { collections: [readings] })).reset).toBeNull();
    expect(planPull(null, request(null)).reset).toBeNull();
  });

  test.each([
    [cursorAt(40), 40],
    [cursorAt(10), 10],
    [cursorAt(25, { epoch: e1 }), 25],
    [cursorAt(12, { epoch: e1 }), 12],
    [cursorAt(12, { epoch: e1, head: 25 }), 12],
    [cursorAt(12, { head: 40 }), 12],
  ])("[EPOCH-3] a valid cursor goes on from its seq: %j", (cursor, after) => {
    const plan = planPull(state, request(cursor));
    expect(plan).toEqual({ reset: null, after, tombstonesAfter: 0, start: null });
  });

  test.each([[{ epoch: e2, seq: 40 }], [{ epoch: e2, seq: 0 }], [{ epoch: e1, seq: 25 }], [null]])(
    "[PULL-8] a valid ack changes nothing: %j",
    (ack) => {
      const plan = planPull(state, request(cursorAt(30), { ack }));
      expect(plan).toEqual({ reset: null, after: 30, tombstonesAfter: 0, start: null });
    },
  );

  test("[PULL-13] within a run from the beginning tombstones come above its start only", () => {
    const plan = planPull(state, request(cursorAt(15, { start: 30 })));
    expect(plan).toEqual({ reset: null, after: 15, tombstonesAfter: 30, start: 30 });
  });

  test("[PULL-13] a run that begins in a request with changes starts at most where they left off", () => {
    for (const cursor of [null, cursorAt(9)]) {
      const plan = planPull(state, request(cursor, { startMax: 38 }));
      expect(plan).toMatchObject({ after: 0, tombstonesAfter: 38, start: 38 });
      expect(planPull(state, request(cursor, { startMax: 41 }))).toMatchObject({ start: 40 });
    }
    const within = planPull(state, request(cursorAt(15, { start: 30 }), { startMax: 38 }));
    expect(within).toMatchObject({ after: 15, start: 30 });
  });

  test("[PULL-10] the same set is the same, whichever it is", () => {
    for (const collections of [null, [readings], [batches, readings]]) {
      const cursor = cursorAt(30, { collections });
      expect(planPull(state, request(cursor, { collections })).reset).toBeNull();
    }
  });

  test("[PULL-15] a space that does not exist is empty", () => {
    const plan = planPull(null, request(null));
    expect(plan).toEqual({ reset: null, after: 0, tombstonesAfter: 0, start: 0 });
    expect(endOfPage(null, plan, null, { more: false, lastSeq: 0 })).toBeNull();
  });
});

test("[EPOCH-3] a record that moved past a cursor between two pages is not lost to older data", () => {
  // Head 3 when the copy was made. The record at 2 is written again and stands at 4: the second
  // page, up to seq 3, is read without it. Then the copy takes the place of the data.
  const copy = spaceState({ head: 3 });
  const moved = spaceState({ head: 4 });
  const plan = planPull(moved, request(cursorAt(1, { epoch: e1, start: 3 })));
  const cursor = endOfPage(moved, plan, null, { more: true, lastSeq: 3 });
  const restored = { ...copy, epochs: [...copy.epochs, { epoch: e2, fromSeq: 3 }] };
  expect(planPull(restored, request(cursor)).reset).toBe("offer");
  expect(planPull(moved, request(cursor)).reset).toBeNull();
});

describe("the position after a page", () => {
  const run = planPull(state, request(null));

  test("[PULL-7] is the last seq dealt with where more is left, [PULL-13] with the run's start", () => {
    expect(endOfPage(state, run, [readings], { more: true, lastSeq: 7 })).toEqual({
      epoch: e2,
      seq: 7,
      collections: [readings],
      start: 40,
    });
  });

  test("[PULL-7] is the head where nothing is left, even if nothing matched, and the run is over", () => {
    expect(endOfPage(state, run, null, { more: false, lastSeq: 0 })).toEqual({
      epoch: e2,
      seq: 40,
      collections: null,
      start: null,
    });
  });

  test("[EPOCH-2] names the last listed epoch, also for a cursor of an older one", () => {
    const plan = planPull(state, request(cursorAt(12, { epoch: e1 })));
    expect(endOfPage(state, plan, null, { more: true, lastSeq: 13 })).toMatchObject({ epoch: e2 });
    expect(endOfPage(state, plan, null, { more: false, lastSeq: 13 })).toMatchObject({ epoch: e2 });
  });

  test("[EPOCH-2] names the head of its snapshot where more is left, unless seq or start tells it", () => {
    const plan = planPull(state, request(cursorAt(12)));
    const place = { epoch: e2, collections: null, start: null };
    const ends = (lastSeq: number) => endOfPage(state, plan, null, { more: true, lastSeq });
    expect(ends(13)).toEqual({ ...place, seq: 13, head: 40 });
    expect(ends(40)).toEqual({ ...place, seq: 40 });
    const early = planPull(state, request(cursorAt(12, { start: 30 })));
    const late = planPull(state, request(cursorAt(12, { start: 40 })));
    expect(endOfPage(state, early, null, { more: true, lastSeq: 13 })).toMatchObject({ head: 40 });
    expect(endOfPage(state, late, null, { more: true, lastSeq: 13 })).not.toHaveProperty("head");
  });

  test("[EPOCH-3] is valid for the next request, wherever the page ended", () => {
    for (let lastSeq = 0; lastSeq <= 40; lastSeq += 1) {
      const position = endOfPage(state, run, null, { more: true, lastSeq });
      expect(planPull(state, request(position)).reset).toBeNull();
    }
  });
});
