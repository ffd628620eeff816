import { expect, test } from "vitest";
import { VirtualTime } from "../../testing/virtual-time.ts";
import { createRateLimiter } from "./rate-limiter.ts";

const limiterOf = (requestsPerSecond: number, requestsBurst: number) => {
  const time = new VirtualTime();
  const limits = { requestsPerSecond, requestsBurst };
  return { time, limiter: createRateLimiter({ limits, runtime: time.runtime }) };
};

test("[TOKEN-10] in the long run nobody gets more than the rate, however it is spread", async () => {
  const { time, limiter } = limiterOf(5, 20);
  let taken = 0;
  for (let tick = 0; tick < 600; tick += 1) {
    for (let n = 0; n < 3; n += 1) if (limiter.take("a") === 0) taken += 1;
    await time.advance(100);
  }
  expect(taken).toBeGreaterThanOrEqual(5 * 60);
  expect(taken).toBeLessThanOrEqual(20 + 5 * 60);
});

test("[TOKEN-10] who waits as long as it was told is taken", async () => {
  const { time, limiter } = limiterOf(1, 1);
  expect(limiter.take("a")).toBe(0);
  const waitS = limiter.take("a");
  expect(waitS).toBe(1);
  await time.advance(waitS * 1_000);
  expect(limiter.take("a")).toBe(0);
});

test("[TOKEN-10] its memory is bounded, and the busiest are not the ones forgotten", () => {
  const { limiter } = limiterOf(1, 2);
  limiter.take("busy");
  limiter.take("busy");
  for (let n = 0; n < 120_000; n += 1) {
    limiter.take(`caller-${n}`);
    if (n % 10_000 === 0) expect(limiter.take("busy")).toBeGreaterThan(0);
  }
  expect(limiter.callers()).toBeLessThanOrEqual(50_000);
  expect(limiter.take("busy")).toBeGreaterThan(0);
});
