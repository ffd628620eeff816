import { expect, test } from "vitest";
import { describeBugs } from "./describe-bugs.contract.ts";
import { laggingReplica } from "./lagging-replica.ts";
import { plantedBugs } from "./planted-bugs.ts";
import { readCatches } from "./read-catches.ts";
import { servingBugs } from "./serving.ts";

describeBugs([...servingBugs, laggingReplica]);

test("each bug has a name and a recorded seed of its own", () => {
  const names = plantedBugs.map(({ name }) => name).toSorted();
  expect(new Set(names).size).toBe(names.length);
  expect(Object.keys(readCatches())).toEqual(names);
});
