import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { huntBug } from "./planted-bugs/hunt-bug.ts";
import type { PlantedBug } from "./planted-bugs/planted-bug.ts";
import { plantedBugs } from "./planted-bugs/planted-bugs.ts";
import {
  catchesFile,
  freshSeeds,
  type KnownCatch,
  readCatches,
} from "./planted-bugs/read-catches.ts";
import { simulate } from "./simulate.ts";

/** Characters of a failure that the table shows. */
const SHOWN = 110;

const { values } = parseArgs({
  options: {
    from: { type: "string", default: "1" },
    most: { type: "string", default: "2000" },
    only: { type: "string", default: "" },
    record: { type: "boolean", default: false },
  },
});

/** The catch, and a seed that fails without the bug too is none. */
const recordCatch = async (bug: PlantedBug, seed: number): Promise<void> => {
  const { failure } = await simulate({ seed, engine: "memory" });
  if (failure !== null) throw new Error(`seed ${seed} fails without a bug: ${failure}`);
  const { seed: found, tried } = await huntBug(bug, freshSeeds);
  const known: KnownCatch = { seed, fresh: found === null ? null : tried };
  // Read anew: several hunts may share the work.
  const catches = Object.entries({ ...readCatches(), [bug.name]: known });
  const sorted = Object.fromEntries(catches.toSorted(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(catchesFile, `${JSON.stringify(sorted, null, 2)}\n`);
};

const from = Number(values.from);
const most = Number(values.most);
const wanted = values.only.split(",");
const escaped: string[] = [];
for (const bug of plantedBugs) {
  if (!wanted.some((part) => bug.name.includes(part))) continue;
  const { seed, tried, failure } = await huntBug(bug, { from, most, engine: "memory" });
  const what = failure?.replaceAll("\n", " ").slice(0, SHOWN) ?? "NOT CAUGHT";
  console.log(`${bug.name.padEnd(30)} ${String(tried).padStart(5)} seeds  ${what}`);
  if (seed === null) escaped.push(bug.name);
  else if (values.record) await recordCatch(bug, seed);
}
console.log(escaped.length === 0 ? "all were caught" : `escaped: ${escaped.join(", ")}`);
process.exitCode = escaped.length === 0 ? 0 : 1;
