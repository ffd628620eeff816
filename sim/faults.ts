import { addMicros } from "@synchro/core";
import type { ClientMode } from "./client/client.ts";
import type { Device } from "./device.ts";
import { calmNetwork, type Network, type NetworkFaults } from "./network.ts";
import type { DeviceOracle } from "./oracle/device-oracle.ts";
import { type Owed, owedAfterRestore, stillOwed } from "./oracle/rest.ts";
import type { ModelImage, ServerOracle } from "./oracle/server-oracle.ts";
import type { Plan, StepFault } from "./plan.ts";
import type { Access, Denial } from "./server/access.ts";
import type { DiskImage } from "./server/engine.ts";
import type { ServerMachine } from "./server/server-machine.ts";
import { LATE_COLLECTION } from "./server/settings.ts";
import { soughtTimes } from "./sought.ts";
import { sendHostileRequest } from "./hostile-request.ts";
import { startProcess } from "./world/machine.ts";
import type { Random } from "./world/random.ts";
import type { World } from "./world/world.ts";

export type FaultDeps = {
  readonly world: World;
  readonly plan: Plan;
  readonly server: ServerMachine;
  readonly devices: readonly Device[];
  readonly network: Network;
  readonly access: Access;
  readonly serverOracle: ServerOracle;
  readonly deviceOracle: DeviceOracle;
};

/** Whoever breaks things. */
export type Faults = {
  readonly network: () => NetworkFaults;
  /** Before each step: perhaps something strikes. */
  readonly beforeStep: () => void;
  /** Nothing breaks any more, and everything runs. */
  readonly calm: () => void;
  readonly owed: () => readonly Owed[];
};

type Images = { readonly disk: DiskImage; readonly model: ModelImage };

type Self = FaultDeps & {
  readonly random: Random;
  network_: NetworkFaults;
  isCalm: boolean;
  images: readonly Images[];
  owed: readonly Owed[];
  isServerDue: boolean;
  isFull: boolean;
};

const IMAGES_MAX = 4;
const DAY_MS = 86_400_000;
const modes: readonly ClientMode[] = ["sync", "poll", "live"];

export const wrongClock = (random: Random): number =>
  random.pick([
    0,
    random.between(-1_000, 1_000),
    random.between(-600_000, 600_000),
    random.between(-DAY_MS, DAY_MS),
    random.between(-3_650, 3_650) * DAY_MS,
  ]);

const startServer = (self: Self): void => {
  if (self.server.port() !== null || self.isServerDue) return;
  const { world, random, plan, server } = self;
  self.isServerDue = true;
  const delayMs = self.isCalm ? 10 : random.between(20, random.pick([200, 3_000, 20_000]));
  world.scheduler.after(delayMs, "server starts", () => {
    const declaresAll = self.isCalm || !plan.declaresLate || random.chance(0.5);
    if (!declaresAll) world.counters.count("late_collection_undeclared");
    world.counters.count("server_start");
    const started = (): void => {
      self.isServerDue = false;
    };
    server.start({ declaresAll }).then(started, (error: unknown) => {
      // What a start writes down needs room too.
      if (!self.isFull) world.fail(`the server did not start: ${String((error as Error).stack)}`);
      started();
      startServer(self);
    });
  });
};

const startDevice = (self: Self, device: Device): void => {
  const { world, random } = self;
  const delayMs = self.isCalm ? 10 : random.between(10, random.pick([500, 20_000]));
  world.scheduler.after(delayMs, `${device.name} starts`, () => {
    if (device.clients().length === 0) device.start(random.pick(modes));
  });
};

const restore = (self: Self): void => {
  const { world, random, server, serverOracle, deviceOracle, devices } = self;
  if (self.images.length === 0) return;
  server.kill();
  const image = random.pick(self.images);
  const before = serverOracle.takeImage().models;
  const unpaid = stillOwed(serverOracle, devices, self.owed);
  server.restore(image.disk);
  serverOracle.restore(image.model);
  deviceOracle.restored();
  const owed = owedAfterRestore(before, image.model.models, devices);
  self.owed = [...unpaid, ...owed];
  for (const { space, record, holders } of owed) {
    world.trace.add(
      `owed ${space} ${record.collection} ${record.key} ${record.stamp} ${holders.join()}`,
    );
  }
  world.counters.count("restore_owed", owed.length);
  startServer(self);
};

const partition = (self: Self): void => {
  const { world, random, devices } = self;
  const { name } = random.pick(devices);
  const { partitioned } = self.network_;
  partitioned.add(name);
  world.scheduler.after(random.between(3_000, 60_000), `${name} reachable`, () => {
    partitioned.delete(name);
  });
};

const purge = (self: Self): void => {
  const { world, random, plan, server } = self;
  const now = startProcess("clock", { ...world, random, clock: server.clock }).runtime.now();
  const cutoff = addMicros(now, -random.pick([0, 10, 60, 300]) * 1_000_000);
  server.purge(random.pick(plan.spaces) as never, cutoff).catch((error: unknown) => {
    if (!self.isFull) world.fail(`a purge failed: ${String((error as Error).stack)}`);
  });
};

const setFull = (self: Self, isFull: boolean): void => {
  self.isFull = isFull;
  self.server.setFull(isFull);
  self.serverOracle.setFull(isFull);
};

const fillStore = (self: Self): void => {
  const { world, random } = self;
  setFull(self, true);
  world.scheduler.after(random.between(500, 20_000), "room again", () => setFull(self, false));
};

const changeCollections = (self: Self): void => {
  const { random, devices } = self;
  const names = random.pick([
    null,
    ["readings"],
    ["batches", "readings"],
    ["readings", LATE_COLLECTION],
  ]);
  random.pick(devices).setCollections(names);
};

const deny = (self: Self, denial: Denial): void => {
  const { world, random, devices, access } = self;
  const { name } = random.pick(devices);
  access.deny(name, denial);
  world.scheduler.after(random.between(1_000, 60_000), `${name} allowed`, () => access.allow(name));
};

/** Who is in the middle of a run is worth more. */
const pickVictim = ({ random, devices }: Self): Device => {
  const inRun = devices.filter((device) => device.phase().endsWith("_run"));
  return random.pick(inRun.length > 0 && random.chance(0.6) ? inRun : devices);
};

const fillDevice = (self: Self): void => {
  const { world, random } = self;
  const device = pickVictim(self);
  countPhases(self, "device_full", [device]);
  device.setFull(true);
  world.scheduler.after(random.between(500, 30_000), `${device.name} has room`, () =>
    device.setFull(false),
  );
};

const TABS_MAX = 3;

const openTab = (self: Self): void => {
  const device = self.random.pick(self.devices);
  const { length } = device.clients();
  // Only the real client shares its disk.
  if (device.state().program !== "real" || length === 0 || length >= TABS_MAX) return;
  self.world.counters.count("tab_beside");
  device.start(self.random.pick(modes));
};

/** One of several, and as often as not the one that leads. */
const killTab = (self: Self): void => {
  const device = self.random.pick(self.devices);
  const { length } = device.clients();
  if (length < 2) return;
  const index = self.random.chance(0.5) ? 0 : self.random.below(length);
  self.world.counters.count(index === 0 ? "tab_killed_first" : "tab_killed_other");
  device.kill(index);
};

const upgradeProgram = (self: Self): void => {
  const device = self.random.pick(self.devices);
  device.kill();
  device.upgrade();
  startDevice(self, device);
};

const strikes: { readonly [fault in StepFault]: (self: Self) => void } = {
  server_kill: (self) => {
    self.server.kill();
    startServer(self);
  },
  server_stop: (self) => {
    void self.server.stop().then(() => startServer(self));
  },
  restore,
  image: (self) => {
    const { server, serverOracle } = self;
    const image = { disk: server.takeImage(), model: serverOracle.takeImage() };
    self.images = [...self.images, image].slice(-IMAGES_MAX);
  },
  device_kill: (self) => {
    const device = pickVictim(self);
    countPhases(self, "device_kill", [device]);
    device.kill();
    startDevice(self, device);
  },
  device_clock_jump: (self) => {
    self.random.pick(self.devices).clock.offsetMs = wrongClock(self.random);
  },
  server_clock_jump: (self) => {
    const { random, server } = self;
    const most = random.pick([5_000, 600_000, DAY_MS]);
    server.clock.offsetMs = random.between(-most, most);
  },
  purge,
  store_full: fillStore,
  partition,
  collections_change: changeCollections,
  hostile_request: (self) => sendHostileRequest(self.world, self.network, self.random),
  token_expired: (self) => deny(self, "expired"),
  write_denied: (self) => deny(self, "read_only"),
  device_full: fillDevice,
  tab_opened: openTab,
  tab_killed: killTab,
  program_upgraded: upgradeProgram,
};

/** Faults of the server, counted by what each device was at: one that hardly ever meets a phase proves nothing for it. */
const phased: ReadonlySet<StepFault> = new Set(["server_kill", "restore", "purge", "store_full"]);

const countPhases = (self: Self, fault: StepFault, devices = self.devices): void => {
  for (const device of devices) self.world.counters.count(`${fault} while ${device.phase()}`);
};

const faultNames = Object.keys(strikes) as readonly StepFault[];

export const startFaults = (deps: FaultDeps): Faults => {
  const { plan, world, devices, server } = deps;
  const self: Self = {
    ...deps,
    random: world.random.fork(),
    network_: { ...plan.network, partitioned: new Set() },
    isCalm: false,
    images: [],
    owed: [],
    isServerDue: false,
    isFull: false,
  };
  startServer(self);
  for (const device of devices) startDevice(self, device);
  return {
    network: () => self.network_,
    beforeStep: () => {
      if (self.isCalm) return;
      for (const fault of faultNames) {
        const share = plan.faults[fault];
        const probability = share === 0 ? 0 : share * soughtTimes(fault, devices);
        if (probability === 0 || !self.random.chance(probability)) continue;
        world.counters.count(fault);
        if (phased.has(fault)) countPhases(self, fault);
        world.trace.add(`fault ${fault}`);
        strikes[fault](self);
      }
    },
    calm: () => {
      self.isCalm = true;
      self.network_ = calmNetwork();
      server.clock.offsetMs = 0;
      setFull(self, false);
      self.access.allowAll();
      for (const device of devices) device.setFull(false);
      // All collections are there in the end. A server that has them goes on: its death would wake whoever sleeps for good.
      if (!server.declaresAll()) server.kill();
      startServer(self);
      for (const device of devices) startDevice(self, device);
    },
    owed: () => self.owed,
  };
};
