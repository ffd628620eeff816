import type { Cancel } from "@synchro/core";
import type { Random } from "./random.ts";

/**
 * Virtual time, and the one queue that everything in a run waits in. A task runs with all the
 * promises that it settles before the next task begins; among tasks that are due at the same moment
 * the seed decides.
 */
export type Scheduler = {
  /** Milliseconds since the run began. */
  readonly nowMs: () => number;
  readonly after: (delayMs: number, label: string, task: () => void) => Cancel;
  /** Tasks run so far. */
  readonly steps: () => number;
  /**
   * Runs tasks until `isOver` says so after one, nothing is left, or the next task lies beyond
   * `untilMs`; virtual time then stands at `untilMs`. `beforeStep` comes before each task, and
   * `afterStep` when nothing is left that it settled.
   */
  readonly run: (options: {
    readonly untilMs: number;
    readonly isOver?: () => boolean;
    readonly beforeStep?: () => void;
    readonly afterStep?: () => Promise<void>;
  }) => Promise<void>;
};

type Task = {
  readonly atMs: number;
  readonly tie: number;
  readonly label: string;
  run: (() => void) | null;
};

const isBefore = (a: Task, b: Task): boolean =>
  a.atMs < b.atMs || (a.atMs === b.atMs && a.tie < b.tie);

/** A binary heap of tasks. */
const createQueue = () => {
  const heap: Task[] = [];
  const at = (index: number): Task => {
    const task = heap[index];
    if (task === undefined) throw new Error("the heap has no such place");
    return task;
  };
  const swap = (a: number, b: number): void => {
    const task = at(a);
    heap[a] = at(b);
    heap[b] = task;
  };
  const sink = (): void => {
    let index = 0;
    for (;;) {
      let least = index;
      for (const child of [2 * index + 1, 2 * index + 2]) {
        if (child < heap.length && isBefore(at(child), at(least))) least = child;
      }
      if (least === index) return;
      swap(index, least);
      index = least;
    }
  };
  return {
    peek: (): Task | undefined => heap[0],
    push: (task: Task): void => {
      let index = heap.push(task) - 1;
      while (index > 0) {
        const parent = (index - 1) >> 1;
        if (!isBefore(at(index), at(parent))) return;
        swap(index, parent);
        index = parent;
      }
    },
    pop: (): void => {
      const last = heap.pop();
      if (last === undefined || heap.length === 0) return;
      heap[0] = last;
      sink();
    },
  };
};

/**
 * Resolves when no promise job is left. Node empties the queue of promise jobs before it runs the
 * next tick, and neither has to do with time.
 */
const settled = (): Promise<void> =>
  new Promise((resolve) => {
    process.nextTick(resolve);
  });

export const createScheduler = (random: Random, onStep: (label: string) => void): Scheduler => {
  const queue = createQueue();
  let nowMs = 0;
  let steps = 0;
  return {
    nowMs: () => nowMs,
    steps: () => steps,
    after: (delayMs, label, task) => {
      const entry: Task = {
        atMs: nowMs + Math.max(0, delayMs),
        tie: random.uint32(),
        label,
        run: task,
      };
      queue.push(entry);
      return () => {
        entry.run = null;
      };
    },
    run: async ({ untilMs, isOver, beforeStep, afterStep }) => {
      await settled();
      for (;;) {
        const next = queue.peek();
        if (next === undefined || next.atMs > untilMs) break;
        queue.pop();
        if (next.run === null) continue;
        nowMs = next.atMs;
        beforeStep?.();
        // What came before this task may have cancelled it.
        const { run } = next;
        if (run === null) continue;
        steps += 1;
        onStep(next.label);
        run();
        await settled();
        await afterStep?.();
        if (isOver?.() === true) return;
      }
      nowMs = Math.max(nowMs, untilMs);
    },
  };
};
