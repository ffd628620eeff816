import { applyingBugs } from "./applying.ts";
import { laggingReplica } from "./lagging-replica.ts";
import type { PlantedBug } from "./planted-bug.ts";
import { sendingBugs } from "./sending.ts";
import { servingBugs } from "./serving.ts";

/** Each must be found by the simulation: what it can't find is a blind spot of the oracle or of the workload. */
export const plantedBugs: readonly PlantedBug[] = [
  ...applyingBugs,
  ...sendingBugs,
  ...servingBugs,
  laggingReplica,
];
