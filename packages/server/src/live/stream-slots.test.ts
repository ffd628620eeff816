import { expect, test } from "vitest";
import type { StreamKind } from "../metrics.ts";
import { createStreamSlots } from "./stream-slots.ts";

const setUp = (streamsMax: number, byte = 0) => {
  const open = new Map<StreamKind, number>();
  const add = (kind: StreamKind, count: number): void =>
    void open.set(kind, (open.get(kind) ?? 0) + count);
  const openStream = (kind: StreamKind): (() => void) => {
    add(kind, 1);
    return () => add(kind, -1);
  };
  const runtime = { randomBytes: (count: number) => new Uint8Array(count).fill(byte) };
  const deps = { limits: { streamsMax }, metrics: { openStream }, runtime };
  return { open, slots: createStreamSlots(deps) };
};

test("[LIVE-13] there are so many places for all kinds together, and no more", () => {
  const { slots } = setUp(3);
  expect(slots.take("sse")).not.toBeNull();
  expect(slots.take("long_poll")).not.toBeNull();
  expect(slots.take("v1_sse")).not.toBeNull();
  expect(slots.take("sse")).toBeNull();
});

test("[LIVE-13] a place that is given back can be taken, once", () => {
  const { slots } = setUp(2);
  const leave = slots.take("sse");
  slots.take("ndjson");
  leave?.();
  leave?.();
  expect(slots.take("sse")).not.toBeNull();
  expect(slots.take("sse")).toBeNull();
});

test("metrics tell what is open, and nothing of what found no place", () => {
  const { slots, open } = setUp(1);
  const leave = slots.take("sse");
  expect(slots.take("long_poll")).toBeNull();
  expect([...open]).toEqual([["sse", 1]]);
  leave?.();
  expect([...open]).toEqual([["sse", 0]]);
});

test("[LIVE-13] those who found no place are told to ask again in 5 to 12 seconds, not all at once", () => {
  const told = Array.from({ length: 256 }, (_, byte) => setUp(1, byte).slots.retryAfterSeconds());
  expect([...new Set(told)].toSorted((a, b) => a - b)).toEqual([5, 6, 7, 8, 9, 10, 11, 12]);
});
