import { leadByLock, type Leadership } from "../packages/client/src/tabs/leadership.ts";
import type { TabMessage } from "../packages/client/src/tabs/tab-channel.ts";
import type { Client, ClientMode, StartClient } from "./client/client.ts";
import { type ClientState, newClientState } from "./client/client-state.ts";
import { createDeviceDisk } from "./device-disk.ts";
import type { Network, Transport } from "./network.ts";
import type { ClientPlant } from "./planted-bugs/planted-bug.ts";
import { type MachineClock, type Process, startProcess } from "./world/machine.ts";
import { createProcessLock, type ProcessLock } from "./world/process-lock.ts";
import type { World } from "./world/world.ts";

/** Who watches the devices' disks. Called in the step in which the thing happened. */
export type DeviceObserver = {
  readonly saved: (device: string, before: ClientState, after: ClientState) => void;
  /** The power failed: relaxed transactions may be gone. */
  readonly powerCut: (device: string, before: ClientState, after: ClientState) => void;
  /** All data of the device are gone; it begins as a new client. */
  readonly wiped: (device: string, before: ClientState) => void;
};

/**
 * What a device is at, as the protocol has it. `pushing`: a frozen batch is on its way. `frozen`: a
 * batch is frozen, and no request with it is under way (yet, or any more).
 */
export const phases = [
  "off",
  "idle",
  "frozen",
  "pushing",
  "first_run",
  "offer_run",
  "streaming",
] as const;
export type Phase = (typeof phases)[number];

/** A device of a person: a disk and a clock, and now and then processes that run the client. */
export type Device = {
  readonly name: string;
  readonly clock: MachineClock;
  readonly state: () => ClientState;
  /** What it held when its data went away, each time. */
  readonly wipedStates: () => readonly ClientState[];
  /** One a process; several share the disk, as tabs do. */
  readonly clients: () => readonly Client[];
  readonly phase: () => Phase;
  /** Whether a power cut could take something. */
  readonly hasUnsynced: () => boolean;
  /** Starts a process; another one beside those that run, if the program can be run so. */
  readonly start: (mode: ClientMode) => void;
  /** Kills all processes, or one of them. */
  readonly kill: (index?: number) => void;
  /** Kills all processes, and takes some of what was not made durable. */
  readonly cutPower: () => void;
  /** Kills all processes, and takes all data: the storage was evicted. */
  readonly wipe: () => void;
  /** The next start finds a newer program; only while nothing runs. */
  readonly upgrade: () => void;
  /** From now on its programs want these collections; null: all. */
  readonly setCollections: (names: readonly string[] | null) => void;
  /** A full disk takes nothing more. */
  readonly setFull: (isFull: boolean) => void;
};

const TAB_MESSAGE_MS_MAX = 20;

type Life = {
  readonly process: Process;
  readonly client: Client;
  readonly mode: ClientMode;
  readonly hear: { onMessage: (message: TabMessage) => void };
  readonly line: PushCount;
};

/** Requests with changes that are under way. */
type PushCount = { pushes: number };

const hasChanges = (body: string): boolean => !body.endsWith('"changes":[]}');

/** The network, with a look at what is on its way. */
const countPushes = (transport: Transport, line: PushCount): Transport => ({
  ...transport,
  request: async (request, options) => {
    const isPush = request.kind === "sync" && hasChanges(request.body);
    if (isPush) line.pushes += 1;
    const answer = await transport.request(request, options);
    if (isPush) line.pushes -= 1;
    return answer;
  },
});

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
  if (isPushing(state)) return lives.some(({ line }) => line.pushes > 0) ? "pushing" : "frozen";
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

/** The marks that a browser keeps of what was there, apart from it, and who must have seen one. */
const createMarks = () => {
  const kept = new Map<string, string>();
  let isUnseen = false;
  return {
    /** The data went away, and with them, as the case may be, the marks. */
    wiped: (keepsMarks: boolean): void => {
      if (!keepsMarks) kept.clear();
      isUnseen = kept.size > 0;
    },
    open: (broken: (rule: string) => void) => {
      let mustNotice = false;
      return {
        marks: {
          getItem: (name: string) => kept.get(name) ?? null,
          setItem: (name: string, mark: string) => {
            mustNotice = isUnseen;
            isUnseen = false;
            kept.set(name, mark);
          },
          removeItem: (name: string) => void kept.delete(name),
        },
        tellEviction: (wasEvicted: boolean): void => {
          if (wasEvicted !== mustNotice) {
            broken(`[CLIENT-5] wasEvicted is ${wasEvicted}, and should be ${mustNotice}`);
          }
        },
      };
    },
  };
};

// oxlint-disable-next-line max-lines-per-function -- a list of what a device can do, most of it one line each
export const createDevice = (deps: DeviceDeps, initial: ClientState): Device => {
  const { name, world, network, clock, startClient, observer } = deps;
  const { scheduler, counters } = world;
  const onSaved = (before: ClientState, after: ClientState): void =>
    observer.saved(name, before, after);
  const disk = createDeviceDisk({ world, name, onSaved }, initial);
  const leaderLock = createProcessLock();
  const marks = createMarks();
  let lives: readonly Life[] = [];
  let wipedStates: readonly ClientState[] = [];
  let version = 1;
  const end = (life: Life): void => {
    life.process.kill();
    lives = lives.filter((other) => other !== life);
    disk.ended(life.process);
    leaderLock.ended(life.process);
  };
  const kill = (index?: number): void => {
    const ending = index === undefined ? lives : lives.slice(index, index + 1);
    if (ending.length > 0 && disk.isSaving()) counters.count("device_killed_saving");
    for (const life of ending) end(life);
  };
  const start = (mode: ClientMode): void => {
    const random = world.random.fork();
    const process = startProcess(name, { scheduler, random, clock });
    if (lives.length === 0) disk.forgetSaves();
    const hear: Life["hear"] = { onMessage: () => {} };
    const line = { pushes: 0 };
    const broken = (rule: string): void => world.fail(`${rule}: ${name}`);
    const browser = marks.open(broken);
    const client = startClient({
      runtime: process.runtime,
      disk: disk.open(process),
      transport: countPushes(network.connect(name, process), line),
      random: random.fork(),
      mode,
      version,
      leadership: leadershipOf(leaderLock, process),
      openChannel: connectTabs(deps, () => lives, process, hear),
      marks: browser.marks,
      tellEviction: (wasEvicted) => {
        if (wasEvicted) counters.count("eviction_noticed");
        browser.tellEviction(wasEvicted);
      },
      plant: deps.plant,
      count: counters.count,
      broken,
      crashed: (error) => world.fail(`${name} crashed: ${String((error as Error).stack)}`),
    });
    lives = [...lives, { process, client, mode, hear, line }];
    counters.count(`mode_${mode}`);
    world.trace.add(`${name} starts as ${mode}, ${lives.length} of it`);
  };
  return {
    name,
    clock,
    state: disk.state,
    wipedStates: () => wipedStates,
    clients: () => lives.map(({ client }) => client),
    phase: () => phaseOf(disk.state(), lives),
    hasUnsynced: disk.hasUnsynced,
    start,
    kill,
    cutPower: () => {
      kill();
      const before = disk.state();
      disk.cutPower(world.random.fork());
      observer.powerCut(name, before, disk.state());
    },
    wipe: () => {
      kill();
      const before = disk.state();
      const { space, collections, program } = before;
      wipedStates = [...wipedStates, before];
      const clientId = `${name}~${wipedStates.length}`;
      disk.alter(() => newClientState({ clientId, space, collections, program }));
      marks.wiped(world.random.chance(0.7));
      observer.wiped(name, before);
    },
    upgrade: () => {
      if (lives.length > 0) throw new Error(`${name} runs`);
      version += 1;
    },
    setCollections: (collections) => {
      disk.alter((state) => ({ ...state, collections }));
      for (const { client } of lives) client.collectionsChanged();
    },
    setFull: (isFull) => {
      // The naive client knows of no full disks.
      disk.setFull(isFull && disk.state().program === "real");
    },
  };
};
