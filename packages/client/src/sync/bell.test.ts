import { describe, expect, test } from "vitest";
import { Bell } from "./bell.ts";

/** Timers that ring when told to. */
const createTimers = () => {
  const tasks = new Set<() => void>();
  return {
    tasks,
    after: (_: number, task: () => void) => {
      tasks.add(task);
      return () => void tasks.delete(task);
    },
  };
};

const settled = async (promise: Promise<void>): Promise<boolean> => {
  const soon = new Promise<"later">((resolve) => {
    setImmediate(resolve, "later");
  });
  return (await Promise.race([promise, soon])) !== "later";
};

describe("a bell", () => {
  test("wakes who waits, and takes its timer along", async () => {
    const timers = createTimers();
    const bell = new Bell(timers);
    const wait = bell.wait(1_000);
    expect(await settled(wait)).toBe(false);
    bell.ring();
    expect(await settled(wait)).toBe(true);
    expect(timers.tasks.size).toBe(0);
  });

  test("remembers a ring that nobody waited for, once", async () => {
    const bell = new Bell(createTimers());
    bell.ring();
    bell.ring();
    expect(await settled(bell.wait(null))).toBe(true);
    expect(await settled(bell.wait(null))).toBe(false);
  });

  test("forgets a ring when it is reset", async () => {
    const bell = new Bell(createTimers());
    bell.ring();
    bell.reset();
    expect(await settled(bell.wait(null))).toBe(false);
  });

  test("lets go when the time is over", async () => {
    const timers = createTimers();
    const wait = new Bell(timers).wait(1_000);
    for (const task of timers.tasks) task();
    expect(await settled(wait)).toBe(true);
  });
});
