import type { Durability } from "../packages/client/src/store/client-store.ts";
import { ClientStoreError } from "../packages/client/src/store/client-store-error.ts";
import type { ClientDisk } from "./client/client.ts";
import type { ClientState } from "./client/client-state.ts";
import type { Process } from "./world/machine.ts";
import { createProcessLock } from "./world/process-lock.ts";
import type { Random } from "./world/random.ts";
import type { World } from "./world/world.ts";

/** What is kept on a device, as its processes see it and as a power cut would leave it. */
export type DeviceDisk = {
  readonly state: () => ClientState;
  /** What no program did: settings that change, data that go away. Durable at once. */
  readonly alter: (change: (state: ClientState) => ClientState) => void;
  /** Takes some of the last relaxed transactions: the later ones, each whole. Only while nothing runs. */
  readonly cutPower: (random: Random) => void;
  /** Whether a power cut could take something. */
  readonly hasUnsynced: () => boolean;
  readonly isSaving: () => boolean;
  /** Nothing runs any more: what was on its way to the disk never comes. */
  readonly forgetSaves: () => void;
  readonly setFull: (isFull: boolean) => void;
  /** As a process has it. */
  readonly open: (process: Process) => ClientDisk;
  readonly ended: (process: Process) => void;
};

/** Called in the step in which a transaction became durable, or, if relaxed, visible. */
export type OnSaved = (before: ClientState, after: ClientState) => void;

const SAVE_MS_MAX = 4;
/** Relaxed transactions that a power cut takes at most: the machine writes back by itself now and then. */
const UNSYNCED_MAX = 12;

// oxlint-disable-next-line max-lines-per-function -- one thing, with many short ways to touch it
export const createDeviceDisk = (
  {
    world,
    name,
    onSaved,
  }: { readonly world: World; readonly name: string; readonly onSaved: OnSaved },
  initial: ClientState,
): DeviceDisk => {
  const lock = createProcessLock();
  let state = initial;
  /** What a power cut may leave: the state of the last strict transaction, and of each relaxed one since. */
  let survivors: readonly ClientState[] = [initial];
  let savesUnderway = 0;
  let isFull = false;
  const put = (after: ClientState, durability: Durability): void => {
    state = after;
    // The log is one: what makes a later transaction durable makes the earlier ones so.
    survivors = durability === "strict" ? [after] : [...survivors, after].slice(-UNSYNCED_MAX);
  };
  const open = (process: Process): ClientDisk => {
    const random = world.random.fork();
    return {
      read: () => state,
      acquire: () => lock.acquire(process),
      transact: (change, durability = "strict") =>
        new Promise((resolve, reject) => {
          savesUnderway += 1;
          const commit = (): void => {
            if (!process.isAlive()) return;
            savesUnderway -= 1;
            if (isFull) {
              world.counters.count("device_full_met");
              return reject(new ClientStoreError("full", "no room"));
            }
            const before = state;
            try {
              const { state: after, outcome } = change(before);
              put(after, durability);
              onSaved(before, after);
              // On the disk, and the program does not know it yet: it may be killed just here.
              const tell = (): void => {
                if (process.isAlive()) resolve(outcome);
              };
              if (random.chance(0.5)) resolve(outcome);
              else world.scheduler.after(random.between(0, SAVE_MS_MAX), `${name} saved`, tell);
            } catch (error) {
              world.fail(`${name}: a transaction failed: ${String((error as Error).stack)}`);
            }
          };
          world.scheduler.after(random.between(0, SAVE_MS_MAX), `${name} saves`, commit);
        }),
    };
  };
  return {
    state: () => state,
    alter: (change) => {
      survivors = survivors.map(change);
      state = survivors.at(-1) ?? change(state);
    },
    cutPower: (random) => {
      const earlier = survivors.slice(0, -1);
      const takes = earlier.length > 0 && random.chance(0.8);
      const left = takes ? random.pick(earlier) : state;
      world.counters.count(left === state ? "power_cut_took_nothing" : "power_cut_took");
      put(left, "strict");
    },
    hasUnsynced: () => survivors.length > 1,
    isSaving: () => savesUnderway > 0,
    forgetSaves: () => {
      savesUnderway = 0;
    },
    setFull: (full) => {
      isFull = full;
    },
    open,
    ended: lock.ended,
  };
};
