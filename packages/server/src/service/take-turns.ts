import type { Runtime } from "@synchro/core";

/** Does work once it is its turn. */
export type TakeTurn = <Result>(work: () => Promise<Result>) => Promise<Result>;

/**
 * Work of which at most `atOnce` pieces are under way, in the order in which it came; between two
 * pieces everything else that is ready gets to run. So however many begin at the same moment, those
 * who want something short don't wait for all of them.
 */
export const createTurns = (runtime: Pick<Runtime, "soon">, atOnce: number): TakeTurn => {
  let running = 0;
  const waiting: (() => void)[] = [];
  const release = (): void => {
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next();
  };
  return async (work) => {
    if (running < atOnce) running += 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      runtime.soon(release);
    }
  };
};
