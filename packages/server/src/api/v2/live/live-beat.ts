import type { Cancel, Runtime } from "@synchro/core";

/** Into so many parts a period is cut: thousands of connections are not all looked at in one moment. */
const PARTS = 30;

/** What is done for a connection once a period. */
export type Beating = { readonly beat: () => void };

/**
 * Calls `beat` of each that was added once every `periodMs`, each in its own part of the period. One
 * timer for all, and none where there is nobody.
 *
 * @returns adds one; what that returns takes it away again.
 */
export const createBeat = (
  runtime: Pick<Runtime, "after">,
  periodMs: number,
): ((beating: Beating) => () => void) => {
  const parts = Array.from({ length: PARTS }, () => new Set<Beating>());
  let count = 0;
  let added = 0;
  let next = 0;
  let cancel: Cancel | null = null;
  const turn = (): void => {
    next = (next + 1) % PARTS;
    for (const beating of parts[next] ?? []) beating.beat();
    cancel = count === 0 ? null : runtime.after(periodMs / PARTS, turn);
  };
  return (beating) => {
    // Where the turn is now comes last: the first beat is a period away at most, and none is at once.
    const part = parts[(next + added) % PARTS];
    added += 1;
    count += 1;
    part?.add(beating);
    cancel ??= runtime.after(periodMs / PARTS, turn);
    return () => {
      if (part?.delete(beating) !== true) return;
      count -= 1;
      if (count > 0) return;
      cancel?.();
      cancel = null;
    };
  };
};
