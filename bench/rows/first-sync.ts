// A first sync of 100,000 records as NDJSON.
import { fillPouchdb, fillSynchro } from "../load/fill.ts";
import { readHttpStream, readSocket, type StreamOutcome } from "../load/read-stream.ts";
import { type Contestant, compare, interleave } from "../report/interleave.ts";
import { type Row, scaled } from "../report/row-report.ts";
import { startRawRead } from "../servers/floor-servers.ts";
import { POUCHDB, startPouchdb } from "../servers/peer-servers.ts";
import { withCpu } from "../servers/server-process.ts";
import { changesPath, startSynchro } from "../servers/synchro-server.ts";

const RECORDS = 100_000;
const US = "synchro, NDJSON";
const FLOOR = "raw read plus socket";
const FEED = `${POUCHDB}, feed with documents`;

const FEED_PATH = "/bench/_changes?include_docs=true";

/** Its lines say nothing of how many records came: looked at once, before the clock runs. */
const checkFeed = async (port: number, records: number): Promise<void> => {
  const answer = await fetch(`http://127.0.0.1:${port}${FEED_PATH}`);
  const { results } = (await answer.json()) as { readonly results: readonly unknown[] };
  if (results.length !== records) throw new Error(`the feed has ${results.length} records`);
};

/** Reads an answer to its end; `countOf` finds the records in its lines. */
const reads = (
  name: string,
  pid: number,
  records: number,
  read: () => Promise<StreamOutcome>,
  countOf: (lines: number) => number,
): Contestant => ({
  name,
  unit: "records/s",
  turn: () =>
    withCpu(pid, async () => {
      const { lines, seconds } = await read();
      const found = countOf(lines);
      if (found !== records) throw new Error(`${name} sent ${found} of ${records} records`);
      return { figure: records / seconds, operations: records };
    }),
});

/** Of each page the last line is its cursor. */
const withoutCursors = (lines: number): number => lines - Math.ceil(lines / 1_001);

export const firstSync: Row = async (options) => {
  const records = scaled(options, RECORDS, 1_000);
  await using server = await startSynchro();
  await fillSynchro(server.port, records);
  await using peer = options.hasPeers ? await startPouchdb() : null;
  if (peer !== null) {
    await fillPouchdb(peer.port, records);
    await checkFeed(peer.port, records);
  }
  await using raw = await startRawRead(server.folder);
  const ndjson = (): Promise<StreamOutcome> =>
    readHttpStream(server.port, changesPath(), "application/x-ndjson");
  const contestants = [
    reads(US, server.pid, records, ndjson, withoutCursors),
    reads(
      FLOOR,
      raw.pid,
      records,
      () => readSocket(raw.port),
      (lines) => lines,
    ),
  ];
  if (peer !== null) {
    const feed = (): Promise<StreamOutcome> =>
      readHttpStream(peer.port, FEED_PATH, "application/json");
    contestants.push(reads(FEED, peer.pid, records, feed, () => records));
  }
  const series = await interleave(contestants, options.rounds);
  const { lines } = await ndjson();
  return {
    row: `first sync of ${records.toLocaleString("en")} records as NDJSON`,
    series,
    comparisons: [
      compare(series, US, FLOOR, { is: "at least", value: 0.5 }),
      ...(peer === null ? [] : [compare(series, US, FEED, { is: "at least", value: 5 })]),
    ],
    counted: [{ what: "records that arrived", sent: records, found: withoutCursors(lines) }],
    notes: ["one client, which counts lines and keeps nothing"],
  };
};
