import { ClientStoreError } from "../packages/client/src/store/client-store-error.ts";
import type { Edit } from "./client/outbox.ts";
import type { Device } from "./device.ts";
import type { DeviceOracle } from "./oracle/device-oracle.ts";
import type { Plan } from "./plan.ts";
import { changePart, PARTS } from "./client/parts.ts";
import { LATE_COLLECTION, limits } from "./server/settings.ts";
import type { Random } from "./world/random.ts";
import type { V1Device } from "./v1/v1-device.ts";
import type { World } from "./world/world.ts";

/** An edit that no server may take, and what may become of it. */
type HostileEdit = { readonly edit: Edit; readonly codes: readonly string[] };

const LONG = "x".repeat(limits.valueBytesMax + 1);
const HUGE = "x".repeat(limits.bodyBytesMax);
const DEEP = `${"[".repeat(40)}${"]".repeat(40)}`;

const hostileEdit = (random: Random, key: string): HostileEdit => {
  const readings = (members: string): Edit => ({
    collection: "readings",
    key,
    value: `{"expiration_date":"2026-12-01"${members}}`,
  });
  return random.pick<HostileEdit>([
    { edit: { collection: "readings", key, value: "{}" }, codes: ["schema_mismatch"] },
    { edit: { collection: "readings", key, value: "7" }, codes: ["bad_value"] },
    { edit: { collection: "readings", key: "", value: "{}" }, codes: ["bad_key"] },
    { edit: { collection: "readings", key: "k".repeat(251), value: "{}" }, codes: ["bad_key"] },
    { edit: { collection: "nowhere", key, value: "{}" }, codes: ["unknown_collection"] },
    { edit: readings(',"_rev":1'), codes: ["reserved_member"] },
    { edit: readings(',"gtin":"other"'), codes: ["key_mismatch"] },
    { edit: readings(',"n":1e400'), codes: ["data_rule"] },
    { edit: readings(',"n":9007199254740993'), codes: ["data_rule"] },
    { edit: readings(',"text":"\\ud800"'), codes: ["data_rule"] },
    { edit: readings(',"text":"\\u0000"'), codes: ["data_rule"] },
    { edit: readings(',"twice":1,"twice":2'), codes: ["data_rule"] },
    { edit: readings(',"__proto__":{}'), codes: ["data_rule"] },
    { edit: readings(`,"deep":${DEEP}`), codes: ["data_rule"] },
    { edit: readings(`,"note":"${LONG}"`), codes: ["value_too_large"] },
    { edit: readings(`,"note":"${HUGE}"`), codes: ["413", "value_too_large"] },
  ]);
};

const goodEdit = (random: Random, plan: Plan, device: Device, count: number): Edit => {
  const { collections, program } = device.state();
  const wanted = collections ?? ["readings", "batches", LATE_COLLECTION, PARTS];
  // The naive client knows of no patches.
  const known = program === "naive" ? wanted.filter((name) => name !== PARTS) : wanted;
  const collection = random.pick(known);
  const key = `k${random.below(plan.keys)}`;
  if (random.chance(plan.deletes)) return { collection, key, value: null };
  if (collection === PARTS) {
    return { collection, key, value: null, change: changePart(random, `${device.name} ${count}`) };
  }
  const value = {
    expiration_date: `2026-12-${String(random.between(10, 28))}`,
    note: `${device.name} ${count} ${"é".repeat(random.below(60))}`,
    ...(collection === "batches" ? { gtin: "1" } : {}),
  };
  return { collection, key, value: JSON.stringify(value) };
};

/** The people: each device is edited now and then while `isOn`. */
export const startWorkload = (
  world: World,
  plan: Plan,
  deps: {
    readonly devices: readonly Device[];
    readonly v1Devices: readonly V1Device[];
    readonly oracle: DeviceOracle;
    readonly isOn: () => boolean;
  },
): void => {
  const editDevice = async (device: Device, random: Random, count: number): Promise<void> => {
    const clients = device.clients();
    if (clients.length === 0) return;
    const client = clients.length === 1 ? clients[0] : random.pick(clients);
    const isHostile = random.chance(plan.hostile);
    const hostile = isHostile ? hostileEdit(random, `k${random.below(plan.keys)}`) : null;
    if (hostile !== null) deps.oracle.expectRejection(hostile.edit, hostile.codes);
    const wish = hostile?.edit ?? goodEdit(random, plan, device, count);
    try {
      const edit = await client?.edit(wish);
      if (edit === undefined) return;
      deps.oracle.madeDurable(device.name, device.state(), edit);
      world.counters.count(isHostile ? "edit_hostile" : "edit");
    } catch (error) {
      const isFull = error instanceof ClientStoreError && error.code === "full";
      if (!isFull) world.fail(`an edit failed: ${String((error as Error).stack)}`);
      world.counters.count("edit_full");
    }
  };
  const startPerson = (name: string, random: Random, edit: (count: number) => void): void => {
    let count = 0;
    const next = (): void => {
      world.scheduler.after(random.between(50, plan.editMsMax), `person at ${name}`, () => {
        if (!deps.isOn()) return;
        count += 1;
        edit(count);
        next();
      });
    };
    next();
  };
  for (const device of deps.devices) {
    const random = world.random.fork();
    startPerson(device.name, random, (count) => void editDevice(device, random, count));
  }
  for (const { name, edit } of deps.v1Devices) startPerson(name, world.random.fork(), edit);
};
