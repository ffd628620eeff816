// A device's first sync of 100,000 records, in a process that has just been started.
import { type ClientProgram, runClient } from "../clients/client-process.ts";
import { fillPouchdb, fillRxdb, fillSynchro } from "../load/fill.ts";
import { type Contestant, compare, interleave } from "../report/interleave.ts";
import { type Row, type RowOptions, scaled } from "../report/row-report.ts";
import { POUCHDB_CLIENT, RXDB_CLIENT, startPouchdb, startRxdb } from "../servers/peer-servers.ts";
import { startSynchro } from "../servers/synchro-server.ts";

const RECORDS = 100_000;
/** PouchDB takes twenty seconds for all of them, and is no slower with fewer. */
const POUCHDB_SHARE = 0.2;
/** Of 500, 1,000, 5,000 and 20,000 at a time the fastest, for both peers. */
const PEER_BATCH = "1000";
/** RxDB keeps its index as a sorted array: keys in no order take it six times as long. */
const KEYS = "ascending";

const MEMORY = "synchro, memory";
const SQLITE = "synchro, node:sqlite";
const FLOOR = "lines parsed into a map";
const RXDB = `${RXDB_CLIENT}, memory`;
const POUCHDB = `${POUCHDB_CLIENT}, memory`;
const POUCHDB_DISK = `${POUCHDB_CLIENT}, LevelDB`;

const syncs = (name: string, records: number, program: ClientProgram): Contestant => ({
  name,
  unit: "records/s",
  turn: async () => {
    const { count, seconds, cpuSeconds } = await runClient(program);
    if (count !== records) throw new Error(`${name} holds ${count} of ${records} records`);
    return { figure: count / seconds, cpuMicros: (1e6 * cpuSeconds) / count };
  },
});

const startPeers = async (
  options: RowOptions,
  started: AsyncDisposableStack,
): Promise<readonly Contestant[]> => {
  const records = scaled(options, RECORDS, 1_000);
  const fewer = scaled(options, RECORDS * POUCHDB_SHARE, 1_000);
  const rxdb = started.use(await startRxdb());
  await fillRxdb(rxdb.port, records, KEYS);
  const pouchdb = started.use(await startPouchdb());
  await fillPouchdb(pouchdb.port, fewer, KEYS);
  const pouchdbArgs = (adapter: string) => [String(pouchdb.port), adapter, PEER_BATCH];
  const path = "../peers/sync-pouchdb.mjs";
  return [
    syncs(RXDB, records, {
      path: "../peers/sync-rxdb.mjs",
      args: [String(rxdb.port), PEER_BATCH],
    }),
    syncs(POUCHDB, fewer, { path, args: pouchdbArgs("memory") }),
    syncs(POUCHDB_DISK, fewer, { path, args: pouchdbArgs("leveldb") }),
  ];
};

export const clientFirstSync: Row = async (options) => {
  const records = scaled(options, RECORDS, 1_000);
  await using server = await startSynchro();
  await using started = new AsyncDisposableStack();
  await fillSynchro(server.port, records, { keys: KEYS });
  const peers = options.hasPeers ? await startPeers(options, started) : [];
  const port = String(server.port);
  const ours = (store: string): ClientProgram => ({ path: "sync-synchro.ts", args: [port, store] });
  const series = await interleave(
    [
      syncs(MEMORY, records, ours("memory")),
      syncs(SQLITE, records, ours("sqlite")),
      syncs(FLOOR, records, { path: "../floors/raw-client.ts", args: [port] }),
      ...peers,
    ],
    options.rounds,
  );
  const { count } = await runClient(ours("sqlite"));
  const beside = (name: string, other: string, value: number) =>
    compare(series, name, other, { is: "at least", value });
  return {
    row: `a client's first sync of ${records.toLocaleString("en")} records`,
    series,
    comparisons: [
      beside(MEMORY, FLOOR, 0.3),
      ...(peers.length === 0
        ? []
        : [
            beside(MEMORY, RXDB, 3),
            beside(MEMORY, POUCHDB, 3),
            beside(SQLITE, RXDB, 1.5),
            beside(SQLITE, POUCHDB_DISK, 1.5),
          ]),
    ],
    counted: [{ what: "records in the file", sent: records, found: count }],
    notes: [
      "each in a new process, from its first line to where it says that it holds all; processor time is the client's",
      `keys ascending; PouchDB syncs ${POUCHDB_SHARE * 100} % of the records`,
    ],
  };
};
