// Polls that find nothing new.
import { closedLoop, repeatFor } from "../load/closed-loop.ts";
import { fillPouchdb, fillRxdb, fillSynchro } from "../load/fill.ts";
import { httpRequest } from "../load/http-request.ts";
import { type Contestant, compare, interleave } from "../report/interleave.ts";
import { type Row, scaled } from "../report/row-report.ts";
import { startBareHttp } from "../servers/floor-servers.ts";
import { POUCHDB, RXDB, startPouchdb, startRxdb } from "../servers/peer-servers.ts";
import { type ServerProcess, withCpu } from "../servers/server-process.ts";
import { changesPath, standingOf, startSynchro } from "../servers/synchro-server.ts";

const CONNECTIONS = 32;
const TURN_MS = 1_000;
const RECORDS = 10_000;
const US = "synchro";
const FLOOR = "bare node:http GET";

type PolledPeer = { readonly name: string; readonly server: ServerProcess; readonly path: string };

const jsonOf = async (port: number, path: string): Promise<unknown> =>
  (await fetch(`http://127.0.0.1:${port}${path}`)).json();

const startPeers = async (
  records: number,
  started: AsyncDisposableStack,
): Promise<readonly PolledPeer[]> => {
  const pouchdb = started.use(await startPouchdb());
  await fillPouchdb(pouchdb.port, records);
  const { last_seq: seq } = (await jsonOf(pouchdb.port, "/bench/_changes?limit=1000000")) as {
    readonly last_seq: number;
  };
  const rxdb = started.use(await startRxdb());
  await fillRxdb(rxdb.port, records);
  const { checkpoint } = (await jsonOf(rxdb.port, "/readings/0/pull?limit=1000000")) as {
    readonly checkpoint: { readonly id: string; readonly lwt: number };
  };
  return [
    { name: POUCHDB, server: pouchdb, path: `/bench/_changes?since=${seq}&limit=1000` },
    {
      name: RXDB,
      server: rxdb,
      path: `/readings/0/pull?id=${checkpoint.id}&lwt=${checkpoint.lwt}&limit=1000`,
    },
  ];
};

const polls = (
  name: string,
  { port, pid }: ServerProcess,
  path: string,
  turnMs: number,
): Contestant => {
  const request = httpRequest("GET", path);
  return {
    name,
    unit: "polls/s",
    turn: () =>
      withCpu(pid, async () => {
        const next = repeatFor(request, turnMs);
        const { requests, seconds } = await closedLoop({ port, connections: CONNECTIONS, next });
        return { figure: requests / seconds, operations: requests };
      }),
  };
};

export const poll: Row = async (options) => {
  const records = scaled(options, RECORDS, 100);
  const turnMs = scaled(options, TURN_MS, 100);
  await using server = await startSynchro();
  await using bare = await startBareHttp();
  await using started = new AsyncDisposableStack();
  const peers = options.hasPeers ? await startPeers(records, started) : [];
  await fillSynchro(server.port, records);
  const standing = await standingOf(server.port);
  const ours = `${changesPath()}?cursor=${encodeURIComponent(standing.cursor)}`;
  const page = (await jsonOf(server.port, ours)) as { readonly changes: readonly unknown[] };
  const series = await interleave(
    [
      polls(US, server, ours, turnMs),
      polls(FLOOR, bare, "/", turnMs),
      ...peers.map((peer) => polls(peer.name, peer.server, peer.path, turnMs)),
    ],
    options.rounds,
  );
  const comparisons = [
    compare(series, US, FLOOR, { is: "at least", value: 0.6 }),
    ...peers.map(({ name }) => compare(series, US, name, { is: "at least", value: 8 })),
  ];
  return {
    row: "poll with nothing new",
    series,
    comparisons,
    counted: [
      { what: "records in our digest", sent: records, found: standing.records },
      { what: "records in a poll", sent: 0, found: page.changes.length },
    ],
    notes: [`${CONNECTIONS} connections; every store holds ${records} records`],
  };
};
