import type { Device } from "../device.ts";
import type { Denial } from "../server/access.ts";
import { PARTS } from "../client/parts.ts";
import { LATE_COLLECTION } from "../server/settings.ts";
import { type FaultWorld, modes, type Strike } from "./fault-world.ts";
import { wrongClock } from "./wrong-clock.ts";

const TABS_MAX = 3;

export const startDevice = (faults: FaultWorld, device: Device): void => {
  const { world, random } = faults;
  const delayMs = faults.isCalm ? 10 : random.between(10, random.pick([500, 20_000]));
  const mode = random.pick(modes);
  world.scheduler.after(delayMs, `${device.name} starts`, () => {
    if (device.clients().length === 0) device.start(mode);
  });
};

/** A fault of one device, counted by what the device was at. */
export const deviceFault =
  (
    name: string,
    pick: (faults: FaultWorld) => Device,
    strike: (device: Device, faults: FaultWorld) => void,
  ): Strike =>
  (faults) => {
    const device = pick(faults);
    faults.world.counters.count(`${name} while ${device.phase()}`);
    strike(device, faults);
  };

/** Who is in the middle of something short is worth more. */
export const soughtDevice = ({ random, devices }: FaultWorld): Device => {
  const inOfferRun = devices.filter((device) => device.phase() === "offer_run");
  if (inOfferRun.length > 0 && random.chance(0.7)) return random.pick(inOfferRun);
  const inRun = devices.filter((device) => device.phase().endsWith("_run"));
  if (inRun.length > 0 && random.chance(0.6)) return random.pick(inRun);
  const sending = devices.filter((device) => ["pushing", "frozen"].includes(device.phase()));
  return random.pick(sending.length > 0 && random.chance(0.4) ? sending : devices);
};

/** Who has something to lose with the power. */
export const poweredDevice = (faults: FaultWorld): Device => {
  const losing = faults.devices.filter((device) => device.hasUnsynced());
  return losing.length > 0 && faults.random.chance(0.7)
    ? faults.random.pick(losing)
    : soughtDevice(faults);
};

export const killDevice = (device: Device, faults: FaultWorld): void => {
  device.kill();
  startDevice(faults, device);
};

export const cutPower = (device: Device, faults: FaultWorld): void => {
  device.cutPower();
  startDevice(faults, device);
};

export const wipeDevice = (device: Device, faults: FaultWorld): void => {
  device.wipe();
  startDevice(faults, device);
};

export const jumpClock = ({ clock }: Device, { random }: FaultWorld): void => {
  clock.offsetMs = wrongClock(random);
};

export const partition = ({ name }: Device, { world, random, network_ }: FaultWorld): void => {
  const { partitioned } = network_;
  partitioned.add(name);
  world.scheduler.after(random.between(3_000, 60_000), `${name} reachable`, () => {
    partitioned.delete(name);
  });
};

export const fillDevice = (device: Device, { world, random }: FaultWorld): void => {
  device.setFull(true);
  world.scheduler.after(random.between(500, 30_000), `${device.name} has room`, () =>
    device.setFull(false),
  );
};

export const changeCollections = (device: Device, { random }: FaultWorld): void => {
  device.setCollections(
    random.pick([
      null,
      ["readings"],
      ["batches", "readings"],
      ["readings", LATE_COLLECTION],
      [PARTS, "readings"],
    ]),
  );
};

export const deny =
  (denial: Denial) =>
  ({ name }: Device, { world, random, access }: FaultWorld): void => {
    access.deny(name, denial);
    world.scheduler.after(random.between(1_000, 60_000), `${name} allowed`, () =>
      access.allow(name),
    );
  };

export const openTab = (device: Device, { world, random }: FaultWorld): void => {
  const { length } = device.clients();
  // Only the real client shares its disk.
  if (device.state().program !== "real" || length === 0 || length >= TABS_MAX) return;
  world.counters.count("tab_beside");
  device.start(random.pick(modes));
};

/** One of several, and as often as not the one that leads. */
export const killTab = (device: Device, { world, random }: FaultWorld): void => {
  const { length } = device.clients();
  if (length < 2) return;
  const index = random.chance(0.5) ? 0 : random.below(length);
  world.counters.count(index === 0 ? "tab_killed_first" : "tab_killed_other");
  device.kill(index);
};

export const killV1Device = ({ world, random, v1Devices }: FaultWorld): void => {
  if (v1Devices.length === 0) return;
  const device = random.pick(v1Devices);
  device.kill();
  world.scheduler.after(random.between(10, 20_000), `${device.name} starts`, device.start);
};

export const upgradeProgram = (device: Device, faults: FaultWorld): void => {
  device.kill();
  device.upgrade();
  startDevice(faults, device);
};
