// Durable pushes in batches of 500, with one client and with four.
import { closedLoop, eachOf } from "../load/closed-loop.ts";
import { httpRequest } from "../load/http-request.ts";
import { bulkDocsBody, type KeyOrder, numberSource, syncBody } from "../load/sample-records.ts";
import { type Contestant, interleave, compare } from "../report/interleave.ts";
import {
  type Comparison,
  type Row,
  type RowOptions,
  scaled,
  type Series,
} from "../report/row-report.ts";
import { type RawPush, startRawPush } from "../servers/floor-servers.ts";
import { POUCHDB, startPouchdb } from "../servers/peer-servers.ts";
import { type ServerProcess, withCpu } from "../servers/server-process.ts";
import { standingOf, startSynchro, syncPath } from "../servers/synchro-server.ts";

const BATCH = 500;
const BATCHES = 40;
const unit = "records/s";
const FLOOR = "raw loop";
const CLIENTS = [1, 4] as const;
const us = (clients: number): string =>
  `synchro, ${clients === 1 ? "1 client" : `${clients} clients`}`;
const pouchdb = (clients: number): string =>
  `${POUCHDB}, ${clients} client${clients === 1 ? "" : "s"}`;

const pushes = (
  server: ServerProcess,
  name: string,
  clients: number,
  bodies: () => readonly Buffer[],
): Contestant => ({
  name,
  unit,
  turn: () => {
    const requests = bodies();
    const operations = requests.length * BATCH;
    return withCpu(server.pid, async () => {
      const next = eachOf(requests);
      const { seconds } = await closedLoop({ port: server.port, connections: clients, next });
      return { figure: operations / seconds, operations };
    });
  },
});

/** Pushes in a round what all clients of a server do together: the tables grow alike. */
const floorOf = (raw: RawPush, batches: number): Contestant => ({
  name: FLOOR,
  unit,
  turn: async () => {
    const records = CLIENTS.length * batches * BATCH;
    const { seconds, cpuSeconds } = await raw.push(CLIENTS.length * batches, BATCH);
    return { figure: records / seconds, cpuMicros: (1e6 * cpuSeconds) / records };
  },
});

const comparisonsOf = (
  series: readonly Series[],
  { hasPeers }: RowOptions,
): readonly Comparison[] => [
  ...CLIENTS.map((clients) =>
    compare(series, us(clients), FLOOR, { is: "at least", value: clients === 1 ? 0.3 : 0.5 }),
  ),
  ...(hasPeers ? CLIENTS : []).map((clients) =>
    compare(series, us(clients), pouchdb(clients), { is: "at least", value: 3 }),
  ),
];

/** The row for keys that follow each other in one way. */
const pushBatchesOf =
  (keys: KeyOrder): Row =>
  async (options) => {
    const batches = scaled(options, BATCHES, 4);
    await using server = await startSynchro();
    await using raw = await startRawPush(keys);
    await using peer = options.hasPeers ? await startPouchdb() : null;
    const takeOurs = numberSource();
    const takeTheirs = numberSource();
    let sent = 0;
    const ourBodies = (): readonly Buffer[] => {
      sent += batches * BATCH;
      return Array.from({ length: batches }, () =>
        httpRequest("POST", syncPath(), syncBody(takeOurs(BATCH), keys)),
      );
    };
    const theirBodies = (): readonly Buffer[] =>
      Array.from({ length: batches }, () =>
        httpRequest("POST", "/bench/_bulk_docs", bulkDocsBody(takeTheirs(BATCH), keys)),
      );
    const series = await interleave(
      [
        ...CLIENTS.map((clients) => pushes(server, us(clients), clients, ourBodies)),
        floorOf(raw, batches),
        ...(peer === null ? [] : CLIENTS).map((clients) =>
          pushes(peer as ServerProcess, pouchdb(clients), clients, theirBodies),
        ),
      ],
      options.rounds,
    );
    const { records } = await standingOf(server.port);
    return {
      row: `durable push, batches of 500, keys ${keys}`,
      series,
      comparisons: comparisonsOf(series, options),
      counted: [{ what: "records in our digest", sent, found: records }],
      notes: [
        "the peer answers before its log is synced: Synchro and the raw loop sync each commit",
      ],
    };
  };

export const pushBatches = pushBatchesOf("ascending");
export const pushBatchesInNoOrder = pushBatchesOf("in no order");
