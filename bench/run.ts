// Measures Synchro beside what it could be at best and what else there is, and prints the ratios.
//
//   npm run bench                     every row
//   npm run bench -- push-batches poll
//   npm run bench -- --write          keeps the ratios in bench/baselines/
//   npm run bench -- --rounds 3 --scale 0.2
//
// Peers take part where `npm run bench:peers` has installed them.
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { baselineOf } from "./report/baseline.ts";
import { machineFacts } from "./report/machine-facts.ts";
import { printReport } from "./report/print-report.ts";
import type { RowOptions } from "./report/row-report.ts";
import { rows } from "./rows/rows.ts";
import { arePeersInstalled } from "./servers/peer-servers.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    write: { type: "boolean", default: false },
    rounds: { type: "string", default: "9" },
    scale: { type: "string", default: "1" },
  },
});

const chosen = positionals.length === 0 ? Object.keys(rows) : positionals;
const unknown = chosen.filter((name) => !Object.hasOwn(rows, name));
if (unknown.length > 0) {
  process.stderr.write(`no row ${unknown.join(", ")}: there are ${Object.keys(rows).join(", ")}\n`);
  process.exit(2);
}

const options: RowOptions = {
  rounds: Number(values.rounds),
  scale: Number(values.scale),
  hasPeers: arePeersInstalled(),
  hasShim: spawnSync("gcc", ["--version"]).status === 0,
};
if (!options.hasPeers) process.stderr.write("without peers: npm run bench:peers installs them\n");
if (!options.hasShim) process.stderr.write("without slowed syncs: they need gcc\n");

const baselines = join(import.meta.dirname, "baselines");
for (const name of chosen) {
  const machine = machineFacts();
  const report = await rows[name as keyof typeof rows](options);
  process.stdout.write(`${printReport(report)}\n`);
  if (!values.write) continue;
  mkdirSync(baselines, { recursive: true });
  const text = JSON.stringify(baselineOf(report, options, machine), null, 2);
  writeFileSync(join(baselines, `${name}.json`), `${text}\n`);
}
