import { describe, expect, test } from "vitest";
import { VirtualTime } from "../testing/virtual-time.ts";
import { createReadiness, type ReadinessCheck } from "./create-readiness.ts";

const setUp = (check: ReadinessCheck) => {
  const time = new VirtualTime();
  let looks = 0;
  const readiness = createReadiness(time.runtime, {
    "the database": () => {
      looks += 1;
      return check();
    },
    "the weather": async () => null,
  });
  return { time, readiness, looks: () => looks };
};

describe("readiness", () => {
  test("tells what a check finds, and what stops a check from finding out", async () => {
    expect(await setUp(async () => "the disk is gone").readiness()).toEqual(["the disk is gone"]);
    expect(await setUp(() => Promise.reject(new Error("no route"))).readiness()).toEqual([
      "the database can't be reached",
    ]);
    expect(await setUp(async () => null).readiness()).toEqual([]);
  });

  test("does not wait long for a check that does not end", async () => {
    const { time, readiness } = setUp(() => new Promise(() => {}));
    const answer = readiness();
    await time.advance(3_000);
    expect(await answer).toEqual(["the database gave no answer within 3000 ms"]);
  });

  test("looks once a second, however many ask", async () => {
    const { time, readiness, looks } = setUp(async () => null);
    for (let tenth = 0; tenth < 100; tenth += 1) {
      await Promise.all(Array.from({ length: 50 }, readiness));
      await time.advance(100);
    }
    expect(looks()).toBe(10);
    await time.advance(60_000);
    expect(looks()).toBe(10);
  });

  test("looks once at a time, and leaves no timer", async () => {
    const { promise, resolve } = Promise.withResolvers<string | null>();
    const { time, readiness, looks } = setUp(() => promise);
    const answers = [readiness(), readiness()];
    await time.advance(1_500);
    answers.push(readiness());
    resolve("late");
    expect(await Promise.all(answers)).toEqual([["late"], ["late"], ["late"]]);
    expect(looks()).toBe(1);
    await time.settle();
    expect(time.timers).toBe(0);
  });
});
