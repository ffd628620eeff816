import { ClientStoreError } from "../packages/client/src/store/client-store-error.ts";
import { leadByLock, type Leadership } from "../packages/client/src/tabs/leadership.ts";
import type { TabMessage } from "../packages/client/src/tabs/tab-channel.ts";
import type { Client, ClientDisk, ClientMode, StartClient } from "./client/client.ts";
import type { ClientState } from "./client/client-state.ts";
import type { Network } from "./network.ts";
import type { ClientPlant } from "./planted-bugs/planted-bug.ts";
import { type MachineClock, type Process, startProcess } from "./world/machine.ts";
import { createProcessLock, type ProcessLock } from "./world/process-lock.ts";
import type { World } from "./world/world.ts";

/** Who watches the devices' disks. Called in the step in which a transaction became durable. */
export type DeviceObserver = {
  readonly saved: (device: string, before: ClientState, after: ClientState) => void;
};

/** What a device is at, as the protocol has it. */
export type Phase = "off" | "idle" | "pushing" | "first_run" | "offer_run" | "streaming";

/** A device of a person: a disk and a clock, and now and then processes that run the client. */
export type Device = {
  readonly name: string;
  readonly clock: MachineClock;
  readonly state: () => ClientState;
  /** One a process; several share the disk, as tabs do. */
  readonly clients: () => readonly Client[];
  readonly phase: () => Phase;
  /** Starts a process; another one beside those that run, if the program can be run so. */
  readonly start: (mode: ClientMode) => void;
  /** Kills all processes, or one of them. */
  readonly kill: (index?: number) => void;
  /** The next start finds a newer program; only while nothing runs. */
  readonly upgrade: () => void;
  /** From now on its programs want these collections; null: all. */
  readonly setCollections: (names: readonly string[] | null) => void;
  /** A full disk takes nothing more. */
  readonly setFull: (isFull: boolean) => void;
};

const SAVE_MS_MAX = 4;
const TAB_MESSAGE_MS_MAX = 20;

type Disk = {
  state: ClientState;
  savesUnderway: number;
  isFull: boolean;
  readonly lock: ProcessLock;
};

type Life = {
  readonly process: Process;
  readonly client: Client;
  readonly mode: ClientMode;
  readonly hear: { onMessage: (message: TabMessage) => void };
};

const openDisk = (deps: DeviceDeps, disk: Disk, process: Process): ClientDisk => {
  const { world, observer, name } = deps;
  const random = world.random.fork();
  return {
    read: () => disk.state,
    acquire: () => disk.lock.acquire(process),
    transact: (change) =>
      new Promise((resolve, reject) => {
        disk.savesUnderway += 1;
        const commit = (): void => {
          if (!process.isAlive()) return;
          disk.savesUnderway -= 1;
          if (disk.isFull) {
            world.counters.count("device_full_met");
            return reject(new ClientStoreError("full", "no room"));
          }
          const before = disk.state;
          try {
            const { state, outcome } = change(before);
            disk.state = state;
            observer.saved(name, before, state);
            // Durable, and the program does not know it yet: it may be killed just here.
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

/** Web Locks as far as `leadByLock` needs them: exclusive, and nobody stops waiting but by its death. */
const leadershipOf = (lock: ProcessLock, process: Process): Leadership =>
  leadByLock(
    {
      request: async (_name: string, _options: unknown, work: () => Promise<unknown>) => {
        const release = await lock.acquire(process);
        await work();
        release();
      },
    },
    "sync",
  );

type DeviceDeps = {
  readonly name: string;
  readonly world: World;
  readonly network: Network;
  readonly observer: DeviceObserver;
  readonly startClient: StartClient;
  readonly clock: MachineClock;
  readonly plant: ClientPlant;
};

const isPushing = ({ batch, image }: ClientState): boolean =>
  batch !== null || (image?.meta.batch.length ?? 0) > 0;

const phaseOf = (state: ClientState, lives: readonly Life[]): Phase => {
  if (lives.length === 0) return "off";
  if (state.run === "offer") return "offer_run";
  if (state.run === "beginning" || state.cursor === null) return "first_run";
  if (isPushing(state)) return "pushing";
  return lives[0]?.mode === "live" ? "streaming" : "idle";
};

/** A line between the processes of a device: what one posts the others hear a little later, if they live. */
const connectTabs = (
  { world, name }: DeviceDeps,
  lives: () => readonly Life[],
  process: Process,
  hear: Life["hear"],
) => {
  const random = world.random.fork();
  return (onMessage: (message: TabMessage) => void) => {
    hear.onMessage = onMessage;
    return {
      post: (message: TabMessage): void => {
        for (const other of lives()) {
          if (other.process === process) continue;
          world.scheduler.after(
            random.between(0, TAB_MESSAGE_MS_MAX),
            `${name} tab message`,
            () => {
              if (other.process.isAlive()) other.hear.onMessage(message);
            },
          );
        }
      },
      close: () => {},
    };
  };
};

export const createDevice = (deps: DeviceDeps, initial: ClientState): Device => {
  const { name, world, network, clock, startClient } = deps;
  const { scheduler, counters } = world;
  const disk: Disk = {
    state: initial,
    savesUnderway: 0,
    isFull: false,
    lock: createProcessLock(),
  };
  const leaderLock = createProcessLock();
  let lives: readonly Life[] = [];
  let version = 1;
  const end = (life: Life): void => {
    life.process.kill();
    lives = lives.filter((other) => other !== life);
    disk.lock.ended(life.process);
    leaderLock.ended(life.process);
  };
  const start = (mode: ClientMode): void => {
    const random = world.random.fork();
    const process = startProcess(name, { scheduler, random, clock });
    if (lives.length === 0) disk.savesUnderway = 0;
    const hear: Life["hear"] = { onMessage: () => {} };
    const client = startClient({
      runtime: process.runtime,
      disk: openDisk(deps, disk, process),
      transport: network.connect(name, process),
      random: random.fork(),
      mode,
      version,
      leadership: leadershipOf(leaderLock, process),
      openChannel: connectTabs(deps, () => lives, process, hear),
      plant: deps.plant,
      count: counters.count,
      broken: (rule) => world.fail(`${rule}: ${name}`),
      crashed: (error) => world.fail(`${name} crashed: ${String((error as Error).stack)}`),
    });
    lives = [...lives, { process, client, mode, hear }];
    counters.count(`mode_${mode}`);
    world.trace.add(`${name} starts as ${mode}, ${lives.length} of it`);
  };
  return {
    name,
    clock,
    state: () => disk.state,
    clients: () => lives.map(({ client }) => client),
    phase: () => phaseOf(disk.state, lives),
    start,
    kill: (index) => {
      const ending = index === undefined ? lives : lives.slice(index, index + 1);
      if (ending.length > 0 && disk.savesUnderway > 0) counters.count("device_killed_saving");
      for (const life of ending) end(life);
    },
    upgrade: () => {
      if (lives.length > 0) throw new Error(`${name} runs`);
      version += 1;
    },
    setCollections: (collections) => {
      disk.state = { ...disk.state, collections };
      for (const { client } of lives) client.collectionsChanged();
    },
    setFull: (isFull) => {
      // The naive client knows of no full disks.
      disk.isFull = isFull && disk.state.program === "real";
    },
  };
};
