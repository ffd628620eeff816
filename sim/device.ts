import type { Client, ClientDisk, ClientMode, StartClient } from "./client/client.ts";
import type { ClientState } from "./client/client-state.ts";
import type { Network } from "./network.ts";
import { type MachineClock, type Process, startProcess } from "./world/machine.ts";
import type { World } from "./world/world.ts";

/** Who watches the devices' disks. Called in the step in which a transaction became durable. */
export type DeviceObserver = {
  readonly saved: (device: string, before: ClientState, after: ClientState) => void;
};

/** A device of a person: a disk and a clock, and now and then a process that runs the client. */
export type Device = {
  readonly name: string;
  readonly clock: MachineClock;
  readonly state: () => ClientState;
  /** Null while no process runs. */
  readonly client: () => Client | null;
  readonly start: (mode: ClientMode) => void;
  readonly kill: () => void;
};

const SAVE_MS_MAX = 4;

type Disk = { state: ClientState; savesUnderway: number };

const openDisk = (deps: DeviceDeps, disk: Disk, process: Process): ClientDisk => {
  const { world, observer, name } = deps;
  const random = world.random.fork();
  return {
    read: () => disk.state,
    transact: (change) =>
      new Promise((resolve) => {
        disk.savesUnderway += 1;
        const commit = (): void => {
          if (!process.isAlive()) return;
          disk.savesUnderway -= 1;
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

type DeviceDeps = {
  readonly name: string;
  readonly world: World;
  readonly network: Network;
  readonly observer: DeviceObserver;
  readonly startClient: StartClient;
  readonly clock: MachineClock;
};

export const createDevice = (deps: DeviceDeps, initial: ClientState): Device => {
  const { name, world, network, clock, startClient } = deps;
  const { scheduler, counters } = world;
  const disk: Disk = { state: initial, savesUnderway: 0 };
  let process: Process | null = null;
  let client: Client | null = null;
  return {
    name,
    clock,
    state: () => disk.state,
    client: () => client,
    start: (mode) => {
      if (process !== null) throw new Error(`${name} runs already`);
      const random = world.random.fork();
      process = startProcess(name, { scheduler, random, clock });
      disk.savesUnderway = 0;
      client = startClient({
        runtime: process.runtime,
        disk: openDisk(deps, disk, process),
        transport: network.connect(name, process),
        random: random.fork(),
        mode,
        count: counters.count,
        crashed: (error) => world.fail(`${name} crashed: ${String((error as Error).stack)}`),
      });
      counters.count(`mode_${mode}`);
      world.trace.add(`${name} starts as ${mode}`);
    },
    kill: () => {
      if (process === null) return;
      if (disk.savesUnderway > 0) counters.count("device_killed_saving");
      process.kill();
      process = null;
      client = null;
    },
  };
};
