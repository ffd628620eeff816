// What a change costs a device that watches a query over 50,000 records.
import { type ClientProgram, runClient } from "../clients/client-process.ts";
import { closedLoop, eachOf } from "../load/closed-loop.ts";
import { fillPouchdb, fillRxdb, fillSynchro, pushRequests } from "../load/fill.ts";
import { type Contestant, compare, interleave, median } from "../report/interleave.ts";
import { type Comparison, type Row, type RowOptions, scaled } from "../report/row-report.ts";
import { POUCHDB_CLIENT, RXDB_CLIENT, startPouchdb, startRxdb } from "../servers/peer-servers.ts";
import { startSynchro } from "../servers/synchro-server.ts";

const RECORDS = 50_000;
const CHANGES = 500;
/** Changes for a peer, which takes longer: by these factors fewer. */
const RXDB_SHARE = 0.2;
const RXDB_ALL_SHARE = 0.04;
const POUCHDB_SHARE = 0.02;
const KEYS = "ascending";

const SOME = "synchro, a tenth of the rows";
const ALL = "synchro, all rows";
const RXDB = `${RXDB_CLIENT}, a tenth of the rows`;
const RXDB_ALL = `${RXDB_CLIENT}, all rows`;
const POUCHDB = `${POUCHDB_CLIENT}, a tenth of the rows`;

/** New readings with a quantity of 5, which every query here shows, beside those that were there before. */
const createNumbers = (): (() => number) => {
  let next = 1_000_005;
  return () => (next += 100);
};

type Watcher = {
  readonly name: string;
  readonly port: number;
  readonly changes: number;
  readonly program: (changes: number) => ClientProgram;
  readonly push: (numbers: readonly number[], keys?: typeof KEYS) => Buffer;
  readonly takeNumber: () => number;
};

/** Runs a client beside one push after the other: several that come together would be shown together. */
const watchChanges = ({ port, changes, program, push, takeNumber }: Watcher) =>
  runClient(program(changes), async (step) => {
    for (let sent = 0; sent < changes; sent += 1) {
      const next = eachOf([push([takeNumber()], KEYS)]);
      await closedLoop({ port, connections: 1, next });
      await step();
    }
  });

const watches = (watcher: Watcher): Contestant => ({
  name: watcher.name,
  unit: "changes a second of processor",
  turn: async () => {
    const { count, cpuSeconds } = await watchChanges(watcher);
    return { figure: count / cpuSeconds, cpuMicros: (1e6 * cpuSeconds) / count };
  },
});

const startPeers = async (
  options: RowOptions,
  started: AsyncDisposableStack,
): Promise<readonly Contestant[]> => {
  const records = scaled(options, RECORDS, 1_000);
  const changes = (share: number): number => scaled(options, CHANGES * share, 5);
  const rxdb = started.use(await startRxdb());
  await fillRxdb(rxdb.port, records, KEYS);
  const pouchdb = started.use(await startPouchdb());
  await fillPouchdb(pouchdb.port, records, KEYS);
  const shared = { port: rxdb.port, push: pushRequests.rxdb, takeNumber: createNumbers() };
  const program = (which: string) => (count: number) => ({
    path: "../peers/query-rxdb.mjs",
    args: [String(rxdb.port), String(count), which],
  });
  return [
    watches({ name: RXDB, ...shared, changes: changes(RXDB_SHARE), program: program("some") }),
    watches({
      name: RXDB_ALL,
      ...shared,
      changes: changes(RXDB_ALL_SHARE),
      program: program("all"),
    }),
    watches({
      name: POUCHDB,
      port: pouchdb.port,
      changes: changes(POUCHDB_SHARE),
      program: (count) => ({
        path: "../peers/query-pouchdb.mjs",
        args: [String(pouchdb.port), String(count), "some"],
      }),
      push: pushRequests.pouchdb,
      takeNumber: createNumbers(),
    }),
  ];
};

export const liveQuery: Row = async (options) => {
  const records = scaled(options, RECORDS, 1_000);
  const changes = scaled(options, CHANGES, 10);
  await using server = await startSynchro();
  await using started = new AsyncDisposableStack();
  await fillSynchro(server.port, records, { keys: KEYS });
  const peers = options.hasPeers ? await startPeers(options, started) : [];
  const shared = { port: server.port, changes, push: pushRequests.synchro };
  const takeNumber = createNumbers();
  const program = (which: string) => (count: number) => ({
    path: "query-synchro.ts",
    args: [String(server.port), String(count), which],
  });
  const some = { name: SOME, ...shared, takeNumber, program: program("some") };
  const series = await interleave(
    [
      watches(some),
      watches({ name: ALL, ...shared, takeNumber, program: program("all") }),
      ...peers,
    ],
    options.rounds,
  );
  const { count } = await watchChanges(some);
  const millis = (name: string): Comparison => {
    const cpuMicros = series.find((each) => each.name === name)?.cpuMicros ?? [];
    return {
      what: `${name}: a change`,
      ratio: median(cpuMicros) / 1_000,
      aim: { is: "at most", value: 2 },
      unit: " ms",
    };
  };
  const beside = (name: string, other: string): Comparison =>
    compare(series, name, other, { is: "at least", value: 1 });
  return {
    row: `a live query over ${records.toLocaleString("en")} records, a change`,
    series,
    comparisons: [
      millis(SOME),
      millis(ALL),
      ...(peers.length === 0
        ? []
        : [beside(SOME, RXDB), beside(ALL, RXDB_ALL), beside(SOME, POUCHDB)]),
    ],
    counted: [{ what: "changes that a query told of", sent: changes, found: count }],
    notes: [
      "from the bytes of the stream to the call of the listener, one change after the other; processor time of the client alone",
      "PouchDB has no live queries: the query is run anew at each change, over an index",
    ],
  };
};
