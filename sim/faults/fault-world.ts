import type { ClientMode } from "../client/client.ts";
import type { Device } from "../device.ts";
import type { Network, NetworkFaults } from "../network.ts";
import type { Oracles } from "../oracle/oracles.ts";
import type { ModelImage } from "../oracle/server-oracle.ts";
import type { Plan } from "../plan.ts";
import type { Access } from "../server/access.ts";
import type { DiskImage } from "../server/engine.ts";
import type { Replica } from "../server/replica.ts";
import type { ServerMachine } from "../server/server-machine.ts";
import type { V1Device } from "../v1/v1-device.ts";
import type { Random } from "../world/random.ts";
import type { World } from "../world/world.ts";

export type FaultDeps = {
  readonly world: World;
  readonly plan: Plan;
  readonly server: ServerMachine;
  readonly replica: Replica | null;
  readonly devices: readonly Device[];
  readonly v1Devices: readonly V1Device[];
  readonly network: Network;
  readonly access: Access;
  readonly oracles: Oracles;
};

export type Images = { readonly disk: DiskImage; readonly model: ModelImage };

/** What a fault may reach, and what is broken at present. */
export type FaultWorld = FaultDeps & {
  /** Of the strike under way: one strike left out changes nothing about how the others are drawn. */
  random: Random;
  network_: NetworkFaults;
  isCalm: boolean;
  images: readonly Images[];
  isServerDue: boolean;
  isFull: boolean;
};

/** One thing that goes wrong. */
export type Strike = (faults: FaultWorld) => void;

export const modes: readonly ClientMode[] = ["sync", "poll", "live"];
