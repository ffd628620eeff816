import { parseArgs } from "node:util";
import { faultTable } from "./fault-table.ts";
import { reportFailure } from "./report-failure.ts";
import { type EngineName, engineNames } from "./server/engine.ts";
import { type RunOptions, simulate } from "./simulate.ts";
import { isPlanPart } from "./trim.ts";
import { createCounters } from "./world/counters.ts";

const isEngineName = (text: string): text is EngineName =>
  (engineNames as readonly string[]).includes(text);

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "100" },
    from: { type: "string", default: "1" },
    engine: { type: "string", default: "memory" },
    off: { type: "string", default: "" },
    without: { type: "string", default: "" },
    trace: { type: "boolean", default: false },
    counts: { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
  },
});

const { engine } = values;
if (!isEngineName(engine)) throw new Error(`--engine is one of ${engineNames.join(", ")}`);
const listOf = (text: string): readonly string[] => text.split(",").filter((part) => part !== "");
const trim = {
  off: listOf(values.off).filter(isPlanPart),
  without: listOf(values.without).map(Number),
};
const from = Number(values.from);
const seeds = Number(values.seeds);
const totals = createCounters();
let failed = 0;
let steps = 0;
for (let seed = from; seed < from + seeds; seed += 1) {
  const options: RunOptions = { seed, engine, trim };
  const outcome = await simulate({ ...options, ...(values.trace ? { tailLinesMax: 1e9 } : {}) });
  totals.addAll(outcome.counters);
  steps += outcome.steps;
  if (values.trace) console.log(outcome.tail.join("\n"));
  if (outcome.failure === null) continue;
  failed += 1;
  if (values.trace) console.log(`\nseed ${seed} on ${engine} failed: ${outcome.failure}`);
  else console.log(`\n${await reportFailure(options, outcome)}\n`);
  if (!values.keep) break;
}
if (values.counts) {
  for (const [name, times] of [...totals.all()].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    console.log(`${name} ${times}`);
}
if (seeds > 1) console.log(faultTable(totals.all()));
console.log(`${seeds} seeds from ${from} on ${engine}: ${failed} failed, ${steps} steps`);
process.exitCode = failed === 0 ? 0 : 1;
