// oxlint-disable-next-line eslint/no-restricted-imports -- it lets the real machine come to rest between two moments
import { setImmediate } from "node:timers/promises";
import { addMicros, type Cancel, type Stamp } from "@synchro/core";
import type { ClientRuntime } from "../src/runtime/client-runtime.ts";
import { sha256 } from "../src/runtime/sha256.ts";

export type ManualRuntime = ClientRuntime & {
  /** Lets time pass: timers run in their order, each after the promises that are ready. */
  readonly advance: (ms: number) => Promise<void>;
  /** Timers that are set and have neither run nor been cancelled. */
  readonly timerCount: () => number;
};

type Timer = { readonly atMs: number; readonly task: () => void };

/** Lets everything that waits for nothing but promises and I/O that is ready come to rest. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn += 1) await setImmediate();
};

/** A runtime whose time stands still until it is told to pass. */
export const createManualRuntime = (
  startsAt = "2026-11-24T10:00:00.000000Z" as Stamp,
): ManualRuntime => {
  const timers = new Set<Timer>();
  let nowMs = 0;
  const nextUntil = (untilMs: number): Timer | null => {
    const due = [...timers].filter(({ atMs }) => atMs <= untilMs);
    return due.toSorted((a, b) => a.atMs - b.atMs)[0] ?? null;
  };
  return {
    now: () => addMicros(startsAt, Math.round(nowMs * 1000)),
    monotonicMs: () => nowMs,
    after: (delayMs, task): Cancel => {
      const timer = { atMs: nowMs + delayMs, task };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    randomBytes: (count) => new Uint8Array(count).fill(7),
    sha256,
    timerCount: () => timers.size,
    advance: async (ms) => {
      const untilMs = nowMs + ms;
      await settle();
      for (let timer = nextUntil(untilMs); timer !== null; timer = nextUntil(untilMs)) {
        timers.delete(timer);
        nowMs = timer.atMs;
        timer.task();
        await settle();
      }
      nowMs = untilMs;
    },
  };
};
