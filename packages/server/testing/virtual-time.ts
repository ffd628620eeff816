import { type Runtime, type Stamp, stampFromMillis, stampToMillis } from "@synchro/core";
import { systemRuntime } from "../src/system-runtime.ts";

type Timer = { readonly dueMs: number; readonly order: number; readonly task: () => void };

/**
 * A runtime whose time stands still until a test moves it. What is ready runs as on the machine:
 * only clock and timers are virtual.
 */
export class VirtualTime {
  readonly runtime: Runtime;
  #elapsedMs = 0;
  #order = 0;
  #timers: readonly Timer[] = [];
  readonly #startMs: number;

  constructor(start = "2026-11-24T10:00:00.000000Z" as Stamp) {
    this.#startMs = stampToMillis(start);
    this.runtime = {
      ...systemRuntime,
      now: () => stampFromMillis(this.#startMs + this.#elapsedMs),
      monotonicMs: () => this.#elapsedMs,
      after: (delayMs, task) => {
        const timer = { dueMs: this.#elapsedMs + delayMs, order: this.#order, task };
        this.#order += 1;
        this.#timers = [...this.#timers, timer];
        return () => {
          this.#timers = this.#timers.filter((each) => each !== timer);
        };
      },
    };
  }

  get elapsedMs(): number {
    return this.#elapsedMs;
  }

  /** Timers that were set and have neither run nor been cancelled. */
  get timers(): number {
    return this.#timers.length;
  }

  /** Lets all run that is ready, and what becomes ready by it. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 5; turn += 1) {
      await new Promise<void>((resolve) => this.runtime.soon(resolve));
    }
  }

  /** Moves the time, and runs on the way each timer at its moment and what becomes ready by it. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#elapsedMs + ms;
    await this.settle();
    for (;;) {
      const due = this.#timers
        .filter(({ dueMs }) => dueMs <= untilMs)
        .toSorted((a, b) => a.dueMs - b.dueMs || a.order - b.order)[0];
      if (due === undefined) break;
      this.#elapsedMs = Math.max(this.#elapsedMs, due.dueMs);
      this.#timers = this.#timers.filter((each) => each !== due);
      due.task();
      await this.settle();
    }
    this.#elapsedMs = untilMs;
  }
}
