import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { lastWrite } from "../merge/last-write.ts";
import { isSameValue, recordId, type StoredRecord } from "../record.ts";
import { newSpaceState, type SpaceState } from "../space-state.ts";
import { addMicros } from "../stamp.ts";
import { type PushPlan, planPush } from "./plan-push.ts";
import type { AssignChange, Evidence, PushChange, WriteChange } from "./push-change.ts";
import { countedDigest } from "../../testing/model-space.ts";
import { batches, epochOf, NOON, readings } from "../../testing/samples.ts";
import { sha256 } from "../../testing/sha256.ts";

const target = {
  collection: fc.constantFrom(readings, batches),
  key: fc.constantFrom("a", "b", "c"),
  stamp: fc.integer({ min: -3, max: 3 }).map((micros) => addMicros(NOON, micros)),
  author: fc.constant(null),
};
const arbitraryWrite: fc.Arbitrary<WriteChange> = fc.record({
  ...target,
  kind: fc.constant("write" as const),
  base: fc.option(fc.integer({ min: 1, max: 12 })),
  value: fc.constantFrom(null, '{"n":1}', '{"n":1.0}', '{"n":2}', '{"n":3,"m":{}}'),
  fieldState: fc.constant(null),
});
const arbitraryAssign: fc.Arbitrary<AssignChange> = fc.record({
  ...target,
  kind: fc.constant("assign" as const),
  members: fc.constantFrom({ n: 1 }, { n: 2 }, { d: "2026-12-01" }),
});
const idOf = (change: WriteChange | AssignChange): string =>
  recordId(change.collection, change.key);

/** A `/v2` request names a record once; a `/v1` request as often as it likes. */
const v2 = fc.uniqueArray(arbitraryWrite, { maxLength: 5, selector: idOf });
const v1 = fc.array(arbitraryAssign, { maxLength: 5 });
const requests = fc.array(
  fc.record({
    changes: fc.oneof<fc.Arbitrary<readonly (WriteChange | AssignChange)[]>[]>(v2, v2, v1),
    lostBytesMax: fc.constantFrom(0, 10, 1_000),
  }),
  { minLength: 1, maxLength: 12 },
);

class Table {
  state: SpaceState = newSpaceState(epochOf("e1"));
  readonly records = new Map<string, StoredRecord>();

  plan(changes: readonly PushChange[], lostBytesMax: number): PushPlan {
    return planPush({
      state: this.state,
      epoch: epochOf("e1"),
      changes,
      stored: (collection, key) => this.records.get(recordId(collection, key)) ?? null,
      policyOf: () => lastWrite,
      now: NOON,
      checksClocks: changes.every((change) => change.kind !== "assign"),
      lostBytesMax,
      rejectedBytesMax: Number.POSITIVE_INFINITY,
      bytesOf: (record) => record.value?.length ?? 0,
      sha256,
    });
  }

  commit(plan: PushPlan): void {
    this.state = plan.state;
    for (const { after } of plan.writes) {
      this.records.set(recordId(after.collection, after.key), after);
    }
  }
}

const run = { seed: 20_261_124, numRuns: 1_000 };

const play = (
  steps: typeof requests extends fc.Arbitrary<infer Value> ? Value : never,
  check: (table: Table, changes: readonly (WriteChange | AssignChange)[], plan: PushPlan) => void,
): void => {
  const table = new Table();
  for (const { changes, lostBytesMax } of steps) {
    check(table, changes, table.plan(changes, lostBytesMax));
  }
};

describe("after any pushes", () => {
  test("[DIGEST-5] the digests are what the records come to", () => {
    fc.assert(
      fc.property(requests, (steps) => {
        play(steps, (table, _, plan) => {
          table.commit(plan);
          for (const name of [readings, batches]) {
            const counted = countedDigest(table.records.values(), name);
            expect(table.state.digests.get(name) ?? { count: 0, sum: 0n }).toEqual(counted);
          }
        });
      }),
      run,
    );
  });

  test("[PUSH-8] [PUSH-9] the head has moved by the records really changed, and no two share a seq", () => {
    fc.assert(
      fc.property(requests, (steps) => {
        play(steps, (table, _, plan) => {
          const before = table.state.head;
          const old = new Map(table.records);
          table.commit(plan);
          const changed = [...table.records].filter(([id, record]) => old.get(id) !== record);
          expect(table.state.head).toBe(before + changed.length);
          expect(plan.writes.map(({ after }) => after.seq)).toEqual(
            changed.map((_unused, index) => before + 1 + index),
          );
          for (const { before: replaced, after } of plan.writes) {
            expect(replaced).toBe(old.get(recordId(after.collection, after.key)) ?? null);
          }
          const seqs = [...table.records.values()].map((record) => record.seq);
          expect(new Set(seqs).size).toBe(seqs.length);
        });
      }),
      run,
    );
  });

  test("[PUSH-2] [PUSH-3] [PUSH-11] each answer tells the truth about the record that stands now", () => {
    fc.assert(
      fc.property(requests, (steps) => {
        play(steps, (table, changes, plan) => {
          table.commit(plan);
          if (changes.length > 0) expect(plan.results.length).toBeGreaterThan(0);
          for (const [index, result] of plan.results.entries()) {
            const change = changes[index];
            const record = change === undefined ? undefined : table.records.get(idOf(change));
            if (change === undefined || record === undefined) throw new Error("no record");
            if (result.kind === "superseded") expect(plan.lostTo).toContainEqual(record);
            if (change.kind === "assign") continue;
            if (result.kind === "applied") {
              expect(record).toMatchObject({ seq: result.seq, stamp: change.stamp });
              expect(isSameValue(record.value, change.value)).toBe(true);
            } else {
              expect(result).toEqual({ kind: "superseded", seq: record.seq });
              expect(record.stamp >= change.stamp).toBe(true);
            }
          }
        });
      }),
      run,
    );
  });

  test("[PUSH-7] the same request again changes nothing and leaves no evidence of what is stored", () => {
    fc.assert(
      fc.property(requests, (steps) => {
        play(steps, (table, changes, plan) => {
          table.commit(plan);
          if (changes.some((change) => change.kind === "assign")) return;
          const answered = changes.slice(0, plan.results.length);
          const again = table.plan(answered, Number.POSITIVE_INFINITY);
          expect(again.results).toEqual(plan.results);
          expect(again.writes).toEqual([]);
          expect(again.state).toBe(table.state);
          expect(again.evidence.every(({ reason }) => reason === "superseded")).toBe(true);
          const lost = plan.results.filter((result) => result.kind === "superseded");
          expect(again.evidence).toHaveLength(lost.length);
        });
      }),
      run,
    );
  });
});

test("[EVID-1] [EVID-2] no version vanishes that nobody who replaced it had seen", () => {
  const textOf = ({ collection, key, stamp, value }: Omit<Evidence, "reason" | "author">): string =>
    JSON.stringify([collection, key, stamp, value]);
  fc.assert(
    fc.property(requests, (steps) => {
      const kept = new Set<string>();
      play(steps, (table, changes, plan) => {
        for (const evidence of plan.evidence) kept.add(textOf(evidence));
        table.commit(plan);
        for (const [index] of plan.results.entries()) {
          const change = changes[index];
          if (change === undefined || change.kind === "assign") continue;
          const record = table.records.get(idOf(change));
          const stands = record?.stamp === change.stamp && isSameValue(record.value, change.value);
          if (!stands) expect(kept).toContain(textOf(change));
        }
        for (const { before } of plan.writes) {
          if (before === null || before.value === null) continue;
          const isKnown = changes.some(
            (change) =>
              change.kind === "write" &&
              change.base === before.seq &&
              idOf(change) === recordId(before.collection, before.key),
          );
          if (!isKnown) expect(kept).toContain(textOf(before));
        }
      });
    }),
    run,
  );
});
