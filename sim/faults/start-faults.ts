import type { Device } from "../device.ts";
import { calmNetwork, type NetworkFaults } from "../network.ts";
import type { StepFault } from "../plan.ts";
import { sendHostileRequest } from "../hostile-request.ts";
import { soughtNow } from "../sought.ts";
import {
  changeCollections,
  cutPower,
  deny,
  deviceFault,
  fillDevice,
  jumpClock,
  killDevice,
  killTab,
  killV1Device,
  openTab,
  partition,
  poweredDevice,
  soughtDevice,
  startDevice,
  upgradeProgram,
  wipeDevice,
} from "./device-faults.ts";
import type { FaultDeps, FaultWorld, Strike } from "./fault-world.ts";
import {
  eraseSpace,
  fillStore,
  jumpServerClock,
  keepImage,
  killReplica,
  killServer,
  purge,
  restore,
  setStoreFull,
  stallReplica,
  startReplica,
  startServer,
  stopServer,
} from "./server-faults.ts";

/** Whoever breaks things. */
export type Faults = {
  readonly network: () => NetworkFaults;
  /** Before each step: perhaps something strikes. */
  readonly beforeStep: () => void;
  /** Nothing breaks any more, and everything runs. */
  readonly calm: () => void;
  /** How many things have struck. */
  readonly strikes: () => number;
};

/** A fault of the server, counted by what each device was at: one that hardly ever meets a phase proves nothing for it. */
const serverFault =
  (name: StepFault, strike: Strike): Strike =>
  (faults) => {
    for (const device of faults.devices) {
      faults.world.counters.count(`${name} while ${device.phase()}`);
    }
    strike(faults);
  };

const strikes: { readonly [fault in StepFault]: Strike } = {
  server_kill: serverFault("server_kill", killServer),
  server_stop: serverFault("server_stop", stopServer),
  restore: serverFault("restore", (faults) =>
    restore(faults, faults.random.pick(["bytes", "backup"] as const)),
  ),
  restore_final: serverFault("restore_final", (faults) => restore(faults, "final")),
  erase: serverFault("erase", eraseSpace),
  image: keepImage,
  replica_kill: serverFault("replica_kill", killReplica),
  replica_stall: serverFault("replica_stall", stallReplica),
  server_clock_jump: serverFault("server_clock_jump", jumpServerClock),
  purge: serverFault("purge", purge),
  store_full: serverFault("store_full", fillStore),
  hostile_request: ({ world, network, random }) => sendHostileRequest(world, network, random),
  device_kill: deviceFault("device_kill", soughtDevice, killDevice),
  power_cut: deviceFault("power_cut", poweredDevice, cutPower),
  wipe: deviceFault("wipe", soughtDevice, wipeDevice),
  device_clock_jump: deviceFault("device_clock_jump", soughtDevice, jumpClock),
  device_full: deviceFault("device_full", soughtDevice, fillDevice),
  partition: deviceFault("partition", soughtDevice, partition),
  collections_change: deviceFault("collections_change", soughtDevice, changeCollections),
  token_expired: deviceFault("token_expired", soughtDevice, deny("expired")),
  write_denied: deviceFault("write_denied", soughtDevice, deny("read_only")),
  v1_device_kill: killV1Device,
  tab_opened: deviceFault("tab_opened", soughtDevice, openTab),
  tab_killed: deviceFault("tab_killed", soughtDevice, killTab),
  program_upgraded: deviceFault("program_upgraded", soughtDevice, upgradeProgram),
};

const faultNames = Object.keys(strikes) as readonly StepFault[];

/** All that can be out of order on a device is in order again. */
const mend = (devices: readonly Device[]): void => {
  for (const device of devices) device.setFull(false);
};

export const startFaults = (deps: FaultDeps, isLeftOut: (strike: number) => boolean): Faults => {
  const { plan, world, devices, server } = deps;
  const random = world.random.fork();
  const drawn = faultNames.filter((fault) => plan.faults[fault] > 0);
  let struck = 0;
  const self: FaultWorld = {
    ...deps,
    random,
    network_: { ...plan.network, partitioned: new Set() },
    isCalm: false,
    images: [],
    isServerDue: false,
    isFull: false,
  };
  startServer(self);
  for (const device of devices) startDevice(self, device);
  for (const device of deps.v1Devices) device.start();
  const strike = (fault: StepFault): void => {
    struck += 1;
    self.random = random.fork();
    if (isLeftOut(struck)) return;
    world.counters.count(fault);
    world.trace.add(`fault ${fault} (${struck})`);
    strikes[fault](self);
  };
  return {
    network: () => self.network_,
    beforeStep: () => {
      if (self.isCalm) return;
      const times = soughtNow(devices);
      for (const fault of drawn) {
        if (random.chance(plan.faults[fault] * times(fault))) strike(fault);
      }
    },
    calm: () => {
      self.isCalm = true;
      self.network_ = calmNetwork();
      server.clock.offsetMs = 0;
      setStoreFull(self, false);
      self.access.allowAll();
      mend(devices);
      // All collections are there in the end. A server that has them goes on: its death would wake whoever sleeps for good.
      if (!server.declaresAll()) server.kill();
      startServer(self);
      deps.replica?.view.catchUp();
      startReplica(self);
      for (const device of devices) startDevice(self, device);
      for (const device of deps.v1Devices) device.start();
    },
    strikes: () => struck,
  };
};
