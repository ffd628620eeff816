// What a server holds in memory while it answers first syncs of 100,000 records, over what it holds
// when it rests.
import { setTimeout as sleep } from "node:timers/promises";
import { fillSynchro } from "../load/fill.ts";
import { readHttpStream } from "../load/read-stream.ts";
import { median } from "../report/interleave.ts";
import { type Row, scaled, type Series } from "../report/row-report.ts";
import { memoryOf } from "../servers/server-process.ts";
import { changesPath, startSynchro } from "../servers/synchro-server.ts";

const RECORDS = 100_000;
const SYNCS = 5;
const REST_MS = 1_500;
const MIB = 1024 * 1024;

type Figures = { readonly idle: number; readonly first: number; readonly last: number };

/** MiB of a server just started: at rest, and the most during its first sync and during as many more. */
const measure = async (folder: string, records: number): Promise<Figures> => {
  await using server = await startSynchro({ folder });
  await sleep(REST_MS);
  const idle = memoryOf(server.pid).now / MIB;
  const most: number[] = [];
  for (let sync = 0; sync < SYNCS; sync += 1) {
    const { lines } = await readHttpStream(server.port, changesPath(), "application/x-ndjson");
    if (lines < records) throw new Error(`${lines} lines are not ${records} records`);
    most.push(memoryOf(server.pid).most / MIB);
  }
  return { idle, first: most[0] ?? Number.NaN, last: most.at(-1) ?? Number.NaN };
};

const series = (name: string, rounds: readonly number[]): Series => ({
  name,
  unit: "MiB",
  rounds,
  cpuMicros: [],
});

export const memory: Row = async (options) => {
  const records = scaled(options, RECORDS, 1_000);
  await using filled = await startSynchro();
  await fillSynchro(filled.port, records);
  const afterPushes = memoryOf(filled.pid).now / MIB;
  await filled.stop("folder");
  const rounds: Figures[] = [];
  for (let round = 0; round < Math.min(3, options.rounds); round += 1) {
    rounds.push(await measure(filled.folder, records));
  }
  return {
    row: `memory during a first sync of ${records.toLocaleString("en")} records`,
    series: [
      series(
        "at rest, just started",
        rounds.map(({ idle }) => idle),
      ),
      series(
        "most in the first sync",
        rounds.map(({ first }) => first),
      ),
      series(
        `most in ${SYNCS} syncs`,
        rounds.map(({ last }) => last),
      ),
      series(`after ${records.toLocaleString("en")} pushed`, [afterPushes]),
    ],
    comparisons: [
      {
        what: "a first sync over rest",
        ratio: median(rounds.map(({ first, idle }) => first - idle)),
        aim: { is: "at most", value: 64 },
        unit: " MiB",
      },
      {
        what: `${SYNCS} syncs over rest`,
        ratio: median(rounds.map(({ last, idle }) => last - idle)),
        aim: { is: "at most", value: 64 },
        unit: " MiB",
      },
    ],
    counted: [],
    notes: ["resident memory of the process, as the kernel counts it; Linux only"],
  };
};
