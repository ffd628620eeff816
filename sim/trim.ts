import type { Plan } from "./plan.ts";

/** What is taken out of a seed's run, to see whether it still fails without. */
export type Trim = {
  /** Parts of the plan that are switched off. */
  readonly off: readonly PlanPart[];
  /** Strikes that are left out, by their number in the run. */
  readonly without: readonly number[];
};

export const noTrim: Trim = { off: [], without: [] };

const networkOff =
  (part: keyof Plan["network"]) =>
  (plan: Plan): Plan => ({
    ...plan,
    network: { ...plan.network, [part]: 0 },
  });

/** By name, what a run is like without it. */
export const planParts = {
  replica: (plan: Plan): Plan => ({ ...plan, replicaLagMs: null }),
  v1: (plan: Plan): Plan => ({ ...plan, v1Devices: [] }),
  naive: (plan: Plan): Plan => ({ ...plan, naive: 0 }),
  hostile: (plan: Plan): Plan => ({ ...plan, hostile: 0 }),
  deletes: (plan: Plan): Plan => ({ ...plan, deletes: 0 }),
  late: (plan: Plan): Plan => ({ ...plan, declaresLate: false }),
  spaces: (plan: Plan): Plan => ({ ...plan, spaces: plan.spaces.slice(0, 1) }),
  devices: (plan: Plan): Plan => ({ ...plan, devices: 2 }),
  keys: (plan: Plan): Plan => ({ ...plan, keys: 1 }),
  dropRequest: networkOff("dropRequest"),
  dropAnswer: networkOff("dropAnswer"),
  duplicate: networkOff("duplicate"),
  slow: networkOff("slow"),
  cutStream: networkOff("cutStream"),
} as const;

export type PlanPart = keyof typeof planParts;

export const isPlanPart = (name: string): name is PlanPart => Object.hasOwn(planParts, name);

export const trimPlan = (plan: Plan, { off }: Trim): Plan =>
  off.reduce((trimmed, part) => planParts[part](trimmed), plan);
