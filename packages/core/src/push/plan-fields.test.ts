import { describe, expect, test } from "vitest";
import { type WireVersion, readVersion } from "../../testing/patch.ts";
import { assign, epochOf, pushInput, spaceState, stored, write } from "../../testing/samples.ts";
import { createFieldsPolicy } from "../merge/fields/create-fields-policy.ts";
import type { Author, StoredRecord } from "../record.ts";
import { planPush } from "./plan-push.ts";

const policy = createFieldsPolicy({ functions: {}, required: [] }, 1_000);

const at = (minute: number): string => `2026-11-24T10:0${minute}:00Z`;
const ann: Author = { name: "ann", verified: true };
const bob: Author = { name: "bob", verified: false };

const record = (version: WireVersion): StoredRecord =>
  stored({ seq: 7, author: ann, ...readVersion(version) });

const live = record({ updated_at: at(3), life: 1, value: { shelf: "A" } });
const tombstone = record({ updated_at: at(3), life: 2, deleted: true });

const push = (before: StoredRecord, version: WireVersion, base: number | null = null) =>
  planPush(
    pushInput({
      records: [before],
      changes: [write({ base, author: bob, ...readVersion(version) })],
      policyOf: () => policy,
    }),
  );

describe("[FIELDS-3] a record's author", () => {
  test("is who changed a field of it last, over the version named or another", () => {
    for (const base of [null, 7]) {
      const plan = push(live, { updated_at: at(4), life: 1, value: { note: "cold" } }, base);
      expect(plan.writes[0]?.after.author).toEqual(bob);
    }
  });

  test("is not who lost, whose stamp alone stays", () => {
    const plan = push(tombstone, { updated_at: at(5), life: 1, value: { shelf: "B" } });
    expect(plan.results).toEqual([{ kind: "superseded", seq: 8 }]);
    expect(plan.writes[0]?.after).toMatchObject({
      author: ann,
      stamp: "2026-11-24T10:05:00.000000Z",
    });
    expect(plan.evidence).toMatchObject([{ reason: "superseded", author: bob }]);
  });
});

test("[FIELDS-20] a base counts up to where a valid cursor or ack has seen this data, and no further", () => {
  const version = { updated_at: at(4), life: 1, value: { note: "cold" } };
  const state = spaceState({ head: 9, epochs: [{ epoch: epochOf("e1"), fromSeq: 0 }] });
  const kindWith = (...positions: readonly (readonly [string, number])[]) =>
    planPush(
      pushInput({
        records: [live],
        changes: [write({ base: 7, author: bob, ...readVersion(version) })],
        policyOf: () => policy,
        state,
        positions: positions.map(([epoch, seq]) => ({ epoch: epochOf(epoch), seq })),
      }),
    ).results[0]?.kind;
  expect(kindWith(["e1", 7])).toBe("applied");
  expect(kindWith(["e1", 3], ["e1", 9])).toBe("applied");
  // Not seen so far, ahead of this data, of another life, and not said.
  expect(kindWith(["e1", 6])).toBe("merged");
  expect(kindWith(["e1", 10])).toBe("merged");
  expect(kindWith(["e0", 7])).toBe("merged");
  expect(kindWith()).toBe("merged");
});

test("[V1-24] an assignment has no business in a collection that is merged field by field", () => {
  const input = pushInput({ records: [live], changes: [assign({ n: 1 })], policyOf: () => policy });
  expect(() => planPush(input)).toThrow("is not of last-write");
});
