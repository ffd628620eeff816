import type { Process } from "./machine.ts";

/** Gives the lock back; a second call does nothing. */
export type Release = () => void;

/** A lock that one process at a time holds, in the order in which they came. The death of its holder hands it on. */
export type ProcessLock = {
  readonly acquire: (process: Process) => Promise<Release>;
  /** A process has ended: it holds nothing any more, and waits for nothing. */
  readonly ended: (process: Process) => void;
};

type Turn = { readonly process: Process; readonly begin: () => void };

export const createProcessLock = (): ProcessLock => {
  let holder: Turn | null = null;
  let waiting: readonly Turn[] = [];
  const next = (): void => {
    const [turn, ...others] = waiting;
    waiting = others;
    holder = turn ?? null;
    turn?.begin();
  };
  return {
    acquire: (process) =>
      new Promise((resolve) => {
        const turn: Turn = {
          process,
          begin: () =>
            resolve(() => {
              if (holder === turn) next();
            }),
        };
        // What the dead still had in their hands must not stop the living.
        if (!process.isAlive()) return;
        waiting = [...waiting, turn];
        if (holder === null) next();
      }),
    ended: (process) => {
      waiting = waiting.filter((turn) => turn.process !== process);
      if (holder?.process === process) next();
    },
  };
};
