import { applyingBugs } from "./applying.ts";
import { keepingBugs } from "./keeping.ts";
import { originBugs } from "./origin.ts";
import { mergingBugs } from "./merging.ts";
import type { PlantedBug } from "./planted-bug.ts";
import { replicatingBugs } from "./replicating.ts";
import { sendingBugs } from "./sending.ts";
import { servingBugs } from "./serving.ts";

/** Each must be found by the simulation: what it can't find is a blind spot of the oracle or of the workload. */
export const plantedBugs: readonly PlantedBug[] = [
  ...applyingBugs,
  ...sendingBugs,
  ...servingBugs,
  ...keepingBugs,
  ...mergingBugs,
  ...originBugs,
  ...replicatingBugs,
];
