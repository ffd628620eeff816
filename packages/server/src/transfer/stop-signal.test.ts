import { describe, expect, test } from "vitest";
import { collect } from "./collect.fixture.ts";
import { untilAborted, withStopSignal } from "./stop-signal.ts";

describe("pieces until a signal aborts", () => {
  test("end with the line of a stop, even while the next is awaited for ever", async () => {
    const controller = new AbortController();
    let isReturned = false;
    const stuck: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<never>(() => {}),
        return: () => {
          isReturned = true;
          return new Promise<never>(() => {});
        },
      }),
    };
    const read = collect(untilAborted(stuck, controller.signal));
    setTimeout(() => controller.abort(), 10);
    await expect(read).rejects.toThrow("stopped before the end");
    expect(isReturned).toBe(true);
  });

  test("end at once where it has aborted before", async () => {
    async function* pieces(): AsyncGenerator<number> {
      yield 1;
    }
    const read = collect(untilAborted(pieces(), AbortSignal.abort()));
    await expect(read).rejects.toThrow("stopped before the end");
  });

  test("are the same without, and an early end is passed on", async () => {
    let isEnded = false;
    async function* pieces(): AsyncGenerator<number> {
      try {
        yield 1;
        yield 2;
      } finally {
        isEnded = true;
      }
    }
    const { signal } = new AbortController();
    expect(await collect(untilAborted(pieces(), signal))).toEqual([1, 2]);
    isEnded = false;
    for await (const piece of untilAborted(pieces(), signal)) if (piece === 1) break;
    await new Promise((resolve) => setTimeout(resolve, 1));
    expect(isEnded).toBe(true);
  });
});

test("listeners go with the work", async () => {
  const before = process.listenerCount("SIGINT");
  await expect(withStopSignal(() => Promise.reject(new Error("x")))).rejects.toThrow("x");
  await withStopSignal(async (signal) => {
    expect(process.listenerCount("SIGINT")).toBe(before + 1);
    process.emit("SIGINT");
    process.emit("SIGTERM");
    expect(signal.aborted).toBe(true);
  });
  expect(process.listenerCount("SIGINT")).toBe(before);
});
