import fc from "fast-check";
import { expect, test } from "vitest";
import { lastWrite } from "./last-write.ts";
import type { VersionContent } from "./merge-policy.ts";
import { NOON, stored } from "../../testing/samples.ts";
import { addMicros } from "../stamp.ts";
import type { StoredRecord } from "../record.ts";

const run = { seed: 20_261_124, numRuns: 2_000 };

const arbitraryVersion: fc.Arbitrary<VersionContent> = fc.record({
  stamp: fc.integer({ min: 0, max: 5 }).map((micros) => addMicros(NOON, micros)),
  value: fc.constantFrom(null, '{"a":1,"b":2}', '{"b":2,"a":1}', '{"a":2}', "{}"),
  fieldState: fc.constant(null),
});

const apply = (record: StoredRecord | null, version: VersionContent): StoredRecord =>
  lastWrite.judge(record, version) === "replace" || record === null
    ? stored({ ...version, seq: (record?.seq ?? 0) + 1 })
    : record;

test("[LWW-1] [LWW-3] what stays is the greatest stamp's first comer, in any order of arrival", () => {
  fc.assert(
    fc.property(fc.array(arbitraryVersion, { minLength: 1, maxLength: 8 }), (versions) => {
      const final = versions.reduce<StoredRecord | null>(apply, null);
      const greatest = versions
        .map((version) => version.stamp)
        .toSorted()
        .at(-1);
      const first = versions.find((version) => version.stamp === greatest);
      expect(final?.stamp).toBe(greatest);
      expect(final?.value).toBe(first?.value);
    }),
    run,
  );
});

test("[PUSH-7] a change that won is the same until another wins, and loses from then on", () => {
  fc.assert(
    fc.property(arbitraryVersion, fc.array(arbitraryVersion, { maxLength: 8 }), (mine, others) => {
      let record = apply(null, mine);
      let isReplaced = false;
      for (const other of others) {
        const next = apply(record, other);
        isReplaced ||= next !== record;
        record = next;
        expect(lastWrite.judge(record, mine)).toBe(isReplaced ? "lose" : "same");
      }
    }),
    run,
  );
});
