import { expect, test } from "vitest";
import { VirtualTime } from "../../../../testing/virtual-time.ts";
import { createBeat } from "./live-beat.ts";

const PERIOD_MS = 30_000;

const setUp = () => {
  const time = new VirtualTime();
  const add = createBeat(time.runtime, PERIOD_MS);
  const beats: number[] = [];
  const remove = Array.from({ length: 300 }, (_, index) =>
    add({ beat: () => void (beats[index] = (beats[index] ?? 0) + 1) }),
  );
  return { time, beats, remove };
};

test("[LIVE-27] each is looked after once a period, not all in one moment", async () => {
  const { time, beats } = setUp();
  await time.advance(PERIOD_MS / 30);
  expect(Object.keys(beats)).toHaveLength(10);
  await time.advance(PERIOD_MS - PERIOD_MS / 30);
  expect(beats).toEqual(Array.from({ length: 300 }, () => 1));
  await time.advance(2 * PERIOD_MS);
  expect(beats).toEqual(Array.from({ length: 300 }, () => 3));
});

test("one timer serves all, and none nobody", async () => {
  const { time, beats, remove } = setUp();
  expect(time.timers).toBe(1);
  for (const each of remove.slice(1)) each();
  remove[1]?.();
  await time.advance(PERIOD_MS);
  expect(beats.filter((count) => count > 0)).toEqual([1]);
  remove[0]?.();
  expect(time.timers).toBe(0);
});
