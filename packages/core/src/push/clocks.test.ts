import { describe, expect, test } from "vitest";
import { addMicros, STAMP_MAX, STAMP_MIN } from "../stamp.ts";
import type { ChangeResult } from "./push-change.ts";
import { planPush, STAMP_AHEAD_MICROS_MAX, STAMP_STEP_MICROS_MAX } from "./plan-push.ts";
import { assign, at, NOON, pushInput, spaceState, stored, write } from "../../testing/samples.ts";
import { utf8Length } from "../unicode.ts";

const codeOf = (result: ChangeResult | undefined): string =>
  result?.kind === "rejected" ? result.rejection.code : (result?.kind ?? "none");

test("[CLOCK-2] the limits are five minutes and one second", () => {
  expect(addMicros(NOON, STAMP_AHEAD_MICROS_MAX)).toBe(at("2026-11-24T12:05:00Z"));
  expect(addMicros(NOON, STAMP_STEP_MICROS_MAX)).toBe(at("2026-11-24T12:00:01Z"));
});

describe("a stamp ahead of the server's clock", () => {
  const cases = [
    ["an absent record", null],
    ["a record stamped long ago", stored({ seq: 3, stamp: STAMP_MIN })],
    [
      "a record stamped a second below the limit",
      stored({ seq: 3, stamp: at("2026-11-24T12:04:59Z") }),
    ],
  ] as const;

  test.each(cases)(
    "[CLOCK-2] over %s may be five minutes ahead, to the microsecond",
    (_, record) => {
      const records = record === null ? [] : [record];
      const push = (stamp: string) =>
        codeOf(planPush(pushInput({ records, changes: [write({ stamp: at(stamp) })] })).results[0]);
      expect(push("2026-11-24T12:04:59.999999Z")).toBe("applied");
      expect(push("2026-11-24T12:05:00Z")).toBe("applied");
      expect(push("2026-11-24T12:05:00.000001Z")).toBe("stamp_ahead");
      expect(push("9999-12-31T23:59:59.999999Z")).toBe("stamp_ahead");
    },
  );

  test.each([
    ["a record", '{"n":1}'],
    ["a tombstone", null],
  ])(
    "[CLOCK-2] over %s that is ahead may be a second ahead of it, to the microsecond",
    (_, value) => {
      const records = [stored({ seq: 3, value, stamp: at("2030-01-01T00:00:00.5Z") })];
      const push = (stamp: string) =>
        codeOf(planPush(pushInput({ records, changes: [write({ stamp: at(stamp) })] })).results[0]);
      expect(push("2030-01-01T00:00:01.499999Z")).toBe("applied");
      expect(push("2030-01-01T00:00:01.5Z")).toBe("applied");
      expect(push("2030-01-01T00:00:01.500001Z")).toBe("stamp_ahead");
      // Below the stored stamp it is no question of clocks: it lost.
      expect(push("2030-01-01T00:00:00.499999Z")).toBe("superseded");
    },
  );

  test("[CLOCK-3] the rejection carries the stored stamp, or null, and [EVID-9] is not kept", () => {
    const record = stored({ key: "old", seq: 3, stamp: STAMP_MIN });
    const changes = [write({ stamp: STAMP_MAX }), write({ key: "old", stamp: STAMP_MAX })];
    const input = pushInput({ records: [record], changes });
    const pushed = planPush(input);
    expect(pushed.results).toMatchObject([
      { kind: "rejected", rejection: { code: "stamp_ahead", path: "/updated_at", stored: null } },
      { kind: "rejected", rejection: { code: "stamp_ahead", stored: STAMP_MIN } },
    ]);
    expect(pushed.refused).toEqual([]);
    expect(pushed.evidence).toEqual([]);
    expect(pushed.state).toBe(input.state);
  });

  test("[CLOCK-2] a delete may be no further ahead than a value", () => {
    const changes = [write({ stamp: addMicros(NOON, STAMP_AHEAD_MICROS_MAX + 1), value: null })];
    expect(codeOf(planPush(pushInput({ changes })).results[0])).toBe("stamp_ahead");
  });

  test("[CLOCK-2] at the end of time the limits stop with it", () => {
    const now = addMicros(STAMP_MAX, -1);
    const changes = [write({ stamp: STAMP_MAX })];
    expect(codeOf(planPush(pushInput({ now, changes })).results[0])).toBe("applied");
  });

  test("[CLOCK-4] /v1 keeps it as sent", () => {
    const changes = [assign({ n: 1 }, { stamp: STAMP_MAX })];
    const pushed = planPush(pushInput({ changes, checksClocks: false }));
    expect(pushed.results).toEqual([{ kind: "applied", seq: 1 }]);
    expect(pushed.writes).toMatchObject([{ after: { stamp: STAMP_MAX } }]);
  });
});

describe("an edit from before a purge", () => {
  const cutoff = at("2026-06-01T00:00:00.5Z");
  const state = spaceState({ head: 9, floor: 5, cutoff });
  const push = (stamp: string, value: string | null = "{}") =>
    planPush(pushInput({ state, changes: [write({ stamp: at(stamp), value })] }));

  test("[PURGE-5] of an absent record is stale at the cutoff, to the microsecond", () => {
    expect(codeOf(push("2026-06-01T00:00:00.499999Z").results[0])).toBe("stale");
    expect(codeOf(push("2026-06-01T00:00:00.5Z").results[0])).toBe("stale");
    expect(codeOf(push("2026-06-01T00:00:00.500001Z").results[0])).toBe("applied");
  });

  test("[PURGE-5] [EVID-7] is kept with its reason and its text", () => {
    const author = { name: "bob", verified: false };
    const change = write({
      stamp: at("2026-05-01T00:00:00Z"),
      base: 4,
      author,
      value: '{"n":1.0}',
    });
    const pushed = planPush(pushInput({ state, changes: [change] }));
    expect(pushed.refused).toMatchObject([{ rejection: { code: "stale", path: "/updated_at" } }]);
    expect(JSON.parse(pushed.refused[0]?.body ?? "")).toEqual({
      collection: "readings",
      key: "a",
      updated_at: "2026-05-01T00:00:00Z",
      base: 4,
      author: "bob",
      value: { n: 1 },
    });
    expect(pushed.state).toBe(state);
  });

  test("[PURGE-6] a delete of an absent record is a no-op with seq 0, to the microsecond", () => {
    for (const stamp of ["2026-06-01T00:00:00.5Z", "0001-01-01T00:00:00Z"]) {
      const pushed = push(stamp, null);
      expect(pushed.results).toEqual([{ kind: "applied", seq: 0 }]);
      expect(pushed.writes).toEqual([]);
      expect(pushed.refused).toEqual([]);
      expect(pushed.evidence).toEqual([]);
      expect(pushed.state).toBe(state);
    }
    expect(push("2026-06-01T00:00:00.500001Z", null).results).toEqual([
      { kind: "applied", seq: 10 },
    ]);
  });

  test("[PURGE-5] of a record that is there, or of its tombstone, is judged as ever", () => {
    for (const value of ["{}", null]) {
      const records = [stored({ seq: 7, value, stamp: at("2026-01-01T00:00:00Z") })];
      const newer = [write({ stamp: at("2026-02-01T00:00:00Z"), value: '{"n":1}' })];
      const older = [write({ stamp: at("2025-12-01T00:00:00Z"), value: '{"n":1}' })];
      expect(codeOf(planPush(pushInput({ state, records, changes: newer })).results[0])).toBe(
        "applied",
      );
      expect(codeOf(planPush(pushInput({ state, records, changes: older })).results[0])).toBe(
        "superseded",
      );
    }
  });

  test("[PURGE-1] where nothing was purged no edit is stale", () => {
    const unpurged = spaceState({ head: 9 });
    const changes = [write({ stamp: STAMP_MIN })];
    expect(codeOf(planPush(pushInput({ state: unpurged, changes })).results[0])).toBe("applied");
  });

  test("[EVID-7] a stale change of more than rejectedBytesMax bytes is kept without its text", () => {
    const changes = [write({ stamp: STAMP_MIN, value: '{"n":"é"}' })];
    const keptAt = (rejectedBytesMax: number) =>
      planPush(pushInput({ state, changes, rejectedBytesMax })).refused[0];
    const text = keptAt(Number.POSITIVE_INFINITY)?.body ?? "";
    expect(keptAt(utf8Length(text))).toMatchObject({ body: text });
    expect(keptAt(utf8Length(text) - 1)).toMatchObject({
      rejection: { code: "stale" },
      body: null,
      bodyHash: expect.any(String),
    });
  });

  test("[CLOCK-4] /v1 knows no stale", () => {
    const changes = [assign({ n: 1 }, { stamp: STAMP_MIN })];
    const pushed = planPush(pushInput({ state, changes, checksClocks: false }));
    expect(pushed.results).toEqual([{ kind: "applied", seq: 10 }]);
  });
});

test("[CLOCK-4] whoever does not check clocks gets whole values kept as sent, too", () => {
  const cutoff = at("2026-06-01T00:00:00Z");
  const changes = [write({ stamp: STAMP_MAX }), write({ key: "b", stamp: STAMP_MIN })];
  const input = pushInput({ state: spaceState({ cutoff }), changes, checksClocks: false });
  expect(planPush(input).results.map(codeOf)).toEqual(["applied", "applied"]);
});

test("[CLOCK-1] [LWW-6] the server's clock decides nothing but what is ahead of it", () => {
  const records = [stored({ seq: 3 }), stored({ key: "b", seq: 4, value: null })];
  const changes = [
    write({ stamp: addMicros(NOON, -1) }),
    write({ key: "b", stamp: addMicros(NOON, 1) }),
    write({ key: "c", stamp: STAMP_MIN }),
  ];
  const plans = ["2026-11-24T11:56:00Z", "2026-11-24T12:00:00Z", "9000-01-01T00:00:00Z"].map(
    (now) => planPush(pushInput({ records, changes, now: at(now) })),
  );
  expect(plans[1]).toEqual(plans[0]);
  expect(plans[2]).toEqual(plans[0]);
});
