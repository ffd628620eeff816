import { expect, test } from "vitest";
import { EMPTY_DIGEST } from "./digest.ts";
import { digestOf, liveRecords, newSpaceState } from "./space-state.ts";
import { epochOf, readings, spaceState } from "../testing/samples.ts";

test("[EPOCH-1] a new space begins its epoch at head 0", () => {
  expect(newSpaceState(epochOf("e1"))).toEqual({
    head: 0,
    epochs: [{ epoch: "e1", fromSeq: 0 }],
    floor: 0,
    cutoff: null,
    digests: new Map(),
  });
});

test("[DIGEST-4] the live records of a space are those of all its collections", () => {
  expect(liveRecords(newSpaceState(epochOf("e1")))).toBe(0);
  const digests = new Map([
    [readings, { count: 2, sum: 7n }],
    ["batches" as typeof readings, { count: 40, sum: 1n }],
  ]);
  expect(liveRecords(spaceState({ digests }))).toBe(42);
});

test("[DIGEST-4] a collection that nothing was written to has an empty digest", () => {
  expect(digestOf(newSpaceState(epochOf("e1")), readings)).toEqual({ count: 0, sum: 0n });
  const digest = { count: 2, sum: 7n };
  expect(digestOf(spaceState({ digests: new Map([[readings, digest]]) }), readings)).toBe(digest);
  expect(EMPTY_DIGEST).toEqual({ count: 0, sum: 0n });
});
