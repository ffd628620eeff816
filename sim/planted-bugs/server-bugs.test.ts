import { expect, test } from "vitest";
import { describeBugs } from "./describe-bugs.contract.ts";
import { originBugs } from "./origin.ts";
import { mergingBugs } from "./merging.ts";
import { plantedBugs } from "./planted-bugs.ts";
import { readCatches } from "./read-catches.ts";
import { replicatingBugs } from "./replicating.ts";
import { servingBugs } from "./serving.ts";

describeBugs([...servingBugs, ...mergingBugs, ...originBugs, ...replicatingBugs]);

test("each bug has a name and a recorded seed of its own", () => {
  const names = plantedBugs.map(({ name }) => name).toSorted();
  expect(new Set(names).size).toBe(names.length);
  expect(Object.keys(readCatches())).toEqual(names);
});
