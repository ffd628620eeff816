import { addMicros, parseStamp, type SpaceId, type Stamp } from "@synchro/core";
import { afterEach } from "vitest";
import type { Grants, Level } from "../access/grants.ts";
import type { Actor, ControlStore, Device, DeviceId, Invitation } from "./control-store.ts";

/** A control store that is open, and the ground it stands on. */
export type OpenedControl = {
  readonly store: ControlStore;
  /** Another opening of the same data beside the first, as another process has it. */
  readonly beside: () => Promise<ControlStore>;
  /** Closes every opening and removes the ground. Idempotent. */
  readonly dispose: () => Promise<void>;
};

/** How the contract opens an engine; every `open` is on new ground. */
export type ControlHarness = { readonly open: () => Promise<OpenedControl> };

const start = parseStamp("2026-11-24T10:00:00Z") as Stamp;

/** A stamp `seconds` after the moment at which the contract begins. */
export const at = (seconds: number): Stamp => addMicros(start, seconds * 1_000_000);

export const by = (seconds: number, actor = "cli:ann@desk"): Actor => ({ actor, now: at(seconds) });

export const shop = "shop-1" as SpaceId;
export const otherShop = "shop-2" as SpaceId;

export const grants = (held: { readonly [space: string]: Level }): Grants =>
  new Map(Object.entries(held)) as Grants;

export const invitation = (codeHash: string, more: Partial<Invitation> = {}): Invitation => ({
  codeHash,
  grants: grants({ [shop]: "write" }),
  label: "handhelds",
  createdAt: at(0),
  expiresAt: at(900),
  usesLeft: 1,
  ...more,
});

export const deviceId = (number: number): DeviceId =>
  `d_${String(number).padStart(20, "0")}` as DeviceId;

/** Lets a device in that must be let in. */
export const admitted = async (
  store: ControlStore,
  shown: { readonly code: string; readonly secret: string; readonly name?: string },
  id: DeviceId,
  seconds = 1,
): Promise<Device> => {
  const { code, secret, name = "scanner" } = shown;
  const outcome = await store.admit({ codeHash: code, secretHash: secret, name }, id, at(seconds));
  if (outcome.kind !== "admitted") throw new Error("the device was refused");
  return outcome.device;
};

/** The whole log, newest first, as `action target`. */
export const actionsIn = async (store: ControlStore): Promise<readonly string[]> => {
  const entries = await store.listAudit({ space: null, before: null, limit: 1_000 });
  return entries.map(({ action, target }) => `${action} ${target}`);
};

/** Opens stores for one suite and disposes of them after each test. */
export const createControlOpener = (harness: ControlHarness): (() => Promise<OpenedControl>) => {
  const opened: OpenedControl[] = [];
  afterEach(async () => {
    for (const each of opened.splice(0)) await each.dispose();
  });
  return async () => {
    const each = await harness.open();
    opened.push(each);
    return each;
  };
};
