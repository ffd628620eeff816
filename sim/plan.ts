import type { EngineName } from "./server/engine.ts";
import type { V1Kind } from "./v1/v1-device.ts";
import type { Random } from "./world/random.ts";

/** Faults that strike between two steps, by how many steps pass from one to the next on average. */
export const stepsBetween = {
  server_kill: 500,
  server_stop: 1_500,
  restore: 1_600,
  restore_final: 12_000,
  erase: 12_000,
  image: 400,
  replica_kill: 900,
  replica_stall: 700,
  device_kill: 300,
  power_cut: 500,
  wipe: 4_000,
  device_clock_jump: 500,
  server_clock_jump: 1_000,
  purge: 300,
  store_full: 1_000,
  partition: 800,
  collections_change: 900,
  hostile_request: 250,
  token_expired: 700,
  write_denied: 900,
  device_full: 700,
  v1_device_kill: 1_500,
  tab_opened: 400,
  tab_killed: 400,
  program_upgraded: 600,
} as const;

export type StepFault = keyof typeof stepsBetween;

export type Plan = {
  readonly engine: EngineName;
  readonly devices: number;
  readonly spaces: readonly string[];
  readonly keys: number;
  readonly chaosMs: number;
  /** Milliseconds between two edits of a device, at most. */
  readonly editMsMax: number;
  /** Of edits, how many are hostile, and how many deletes. */
  readonly hostile: number;
  readonly deletes: number;
  /** How many of the devices run the naive client, an independent writing of the same rules. */
  readonly naive: number;
  /** Milliseconds that a replica is behind, at most; null: there is none. */
  readonly replicaLagMs: number | null;
  readonly v1Devices: readonly V1Kind[];
  /** Whether the late collection comes and goes; else it is there from the first start. */
  readonly declaresLate: boolean;
  /** Per step. */
  readonly faults: { readonly [fault in StepFault]: number };
  readonly network: {
    readonly dropRequest: number;
    readonly dropAnswer: number;
    readonly duplicate: number;
    readonly slow: number;
    readonly cutStream: number;
  };
};

const faultNames = Object.keys(stepsBetween) as readonly StepFault[];

/**
 * What a seed's run is like. Not every fault is in every run (Groce et al., "Swarm testing", 2012):
 * a fault that is always there hides what only its absence shows.
 */
export const drawPlan = (random: Random, engine: EngineName): Plan => {
  const sometimes = (probability: number, most: number): number =>
    random.chance(probability) ? (random.below(1_000) / 1_000) * most : 0;
  const rate = (fault: StepFault): number =>
    random.chance(0.55) ? random.pick([0.5, 1, 2]) / stepsBetween[fault] : 0;
  const faults = Object.fromEntries(faultNames.map((fault) => [fault, rate(fault)]));
  const declaresLate = random.chance(0.4);
  const hasReplica = random.chance(0.4);
  const ofReplica = hasReplica ? {} : { replica_kill: 0, replica_stall: 0 };
  return {
    engine,
    devices: random.between(2, 4),
    spaces: random.chance(0.25) ? ["shop-1", "shop-2"] : ["shop-1"],
    keys: random.pick([1, 3, 6, 12]),
    chaosMs: random.between(25, 150) * 1_000,
    editMsMax: random.pick([2_000, 6_000, 15_000]),
    hostile: sometimes(0.6, 0.2),
    deletes: sometimes(0.8, 0.5),
    naive: random.pick([0, 0, 0.25, 0.5]),
    v1Devices: random.pick([[], [], [], ["by_cursor"], ["by_date"], ["by_cursor", "by_date"]]),
    replicaLagMs: hasReplica ? random.pick([20, 400, 4_000, 20_000]) : null,
    declaresLate,
    faults: { ...(faults as Plan["faults"]), ...ofReplica },
    network: {
      dropRequest: sometimes(0.5, 0.3),
      dropAnswer: sometimes(0.6, 0.4),
      duplicate: sometimes(0.5, 0.3),
      slow: sometimes(0.5, 0.2),
      cutStream: sometimes(0.5, 0.2),
    },
  };
};
