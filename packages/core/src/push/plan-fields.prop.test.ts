import fc from "fast-check";
import { expect, test } from "vitest";
import { arbitraryPatch, arbitraryWhole, rules } from "../../testing/patch-arbitrary.ts";
import { countedDigest } from "../../testing/model-space.ts";
import { pushInput, readings, spaceState, write } from "../../testing/samples.ts";
import type { JsonObject } from "../json.ts";
import { createFieldsPolicy } from "../merge/fields/create-fields-policy.ts";
import {
  isSamePoint,
  joinPoints,
  normalizePoint,
  pointOf,
  versionOf,
} from "../merge/fields/fields-point.ts";
import type { VersionContent } from "../merge/merge-policy.ts";
import type { StoredRecord } from "../record.ts";
import type { SpaceState } from "../space-state.ts";
import { laterStamp } from "../stamp.ts";
import { type PushPlan, planPush } from "./plan-push.ts";
import type { ChangeResult } from "./push-change.ts";

const run = { seed: 20_261_124, numRuns: 600 };
const policy = createFieldsPolicy(rules, 10_000);

/** One record and its space, written by one change a push. */
class OneRecord {
  record: StoredRecord | null = null;
  state: SpaceState = spaceState();

  plan(content: VersionContent, base: number | null): PushPlan {
    return planPush(
      pushInput({
        records: this.record === null ? [] : [this.record],
        state: this.state,
        changes: [write({ ...content, base })],
        policyOf: () => policy,
      }),
    );
  }

  push(content: VersionContent, base: number | null = null): ChangeResult | undefined {
    const plan = this.plan(content, base);
    this.record = plan.writes[0]?.after ?? this.record;
    this.state = plan.state;
    return plan.results[0];
  }

  /** Those that make no record by themselves are sent again, as by a client that waits for the rest. */
  pushAll(contents: readonly VersionContent[]): void {
    let waiting = contents;
    for (let before = Number.POSITIVE_INFINITY; waiting.length < before;) {
      before = waiting.length;
      waiting = waiting.filter((content) => this.push(content)?.kind === "rejected");
    }
  }
}

const content = fc.oneof(arbitraryPatch, arbitraryWhole);

const contentOf = (record: StoredRecord | null) =>
  record === null ? null : [record.stamp, record.value, record.fieldState];

test("[FIELDS-15] any order of arrival, and any number of times, makes the same record", () => {
  const changes = fc.array(content, { minLength: 1, maxLength: 7 });
  const orders = changes.chain((sent) =>
    fc.tuple(
      fc.constant(sent),
      fc.shuffledSubarray(sent, { minLength: sent.length }),
      fc.array(fc.constantFrom(...sent), { maxLength: 5 }),
    ),
  );
  fc.assert(
    fc.property(orders, ([sent, shuffled, again]) => {
      const [one, other] = [new OneRecord(), new OneRecord()];
      one.pushAll(sent);
      other.pushAll([...again.slice(0, 2), ...shuffled, ...again]);
      expect(contentOf(other.record)).toEqual(contentOf(one.record));
    }),
    run,
  );
});

test("[FIELDS-10] [FIELDS-17] what is stored is the join of all that was not refused", () => {
  fc.assert(
    fc.property(fc.array(content, { minLength: 1, maxLength: 8 }), (sent) => {
      const server = new OneRecord();
      const accepted = sent.filter((each) => server.push(each)?.kind !== "rejected");
      const points = accepted.map((each) => normalizePoint(pointOf(each), rules.functions));
      const [first, ...others] = points;
      const joined =
        first === undefined
          ? null
          : versionOf(others.reduce((a, b) => joinPoints(a, b, rules.functions), first));
      expect(contentOf(server.record)).toEqual(
        joined === null ? null : [joined.stamp, joined.value, joined.fieldState],
      );
    }),
    run,
  );
});

test("[FIELDS-18] no merge of valid changes is invalid", () => {
  fc.assert(
    fc.property(fc.array(content, { maxLength: 8 }), (sent) => {
      const server = new OneRecord();
      for (const each of sent) {
        server.push(each);
        if (server.record === null || server.record.value === null) continue;
        const value = JSON.parse(server.record.value) as JsonObject;
        expect(Object.keys(value)).toContain("b");
        for (const [name, member] of Object.entries(value)) {
          if (name === "low" || name === "high") expect(member).toBeTypeOf("number");
          if (name === "tags") expect(member).toBeInstanceOf(Array);
          expect(member).not.toBeNull();
        }
      }
    }),
    run,
  );
});

test("[FIELDS-16] [FIELDS-20] [FIELDS-21] [PUSH-8] results, seqs and digests keep their rules at each step", () => {
  const told = { applied: 0, merged: 0, superseded: 0, rejected: 0 };
  fc.assert(
    fc.property(fc.array(fc.tuple(content, fc.boolean()), { maxLength: 8 }), (sent) => {
      const server = new OneRecord();
      for (const [each, hasSeen] of sent) {
        const { record: before, state } = server;
        const guess = hasSeen ? (before?.seq ?? null) : (before?.seq ?? 0) + 7;
        const plan = server.plan(each, guess);
        const result = server.push(each, guess);
        const after = server.record;
        if (result === undefined) throw new Error("not judged");
        told[result.kind] += 1;

        const isChanged = contentOf(before)?.join() !== contentOf(after)?.join();
        expect(server.state.head).toBe(state.head + (isChanged ? 1 : 0));
        expect(after?.seq ?? 0).toBe(isChanged ? server.state.head : (before?.seq ?? 0));
        const counted = countedDigest(after === null ? [] : [after], readings);
        expect(server.state.digests.get(readings) ?? { count: 0, sum: 0n }).toEqual(counted);

        const isTold = result.kind === "merged" || result.kind === "superseded";
        expect(plan.lostTo).toEqual(isTold ? [after] : []);
        if (result.kind === "rejected") continue;
        expect(result.seq).toBe(after?.seq);
        if (result.kind === "applied") {
          // What the client makes of it: the version that it held, with the patch over it.
          expect(guess).toBe(before?.seq ?? null);
          expect(isChanged).toBe(true);
          const patch = pointOf(each);
          const held = before === null ? null : pointOf(before);
          const fields =
            held === null || held.life !== patch.life
              ? patch.fields
              : new Map([...held.fields, ...patch.fields]);
          const stamp = laterStamp(held?.stamp ?? patch.stamp, patch.stamp);
          expect(after !== null && isSamePoint(pointOf(after), { ...patch, fields, stamp })).toBe(
            true,
          );
        }
        // What lost leaves its stamp at most.
        if (result.kind === "superseded") {
          expect([after?.value, after?.fieldState]).toEqual([before?.value, before?.fieldState]);
        }

        // At once again: nothing more comes of it.
        const again = server.plan(each, guess);
        expect(again.writes).toEqual([]);
        expect(again.results[0]?.kind).toBe(result.kind === "applied" ? "merged" : result.kind);
      }
    }),
    run,
  );
  // The cases above happen.
  for (const kind of Object.values(told)) expect(kind).toBeGreaterThan(20);
});
