// Durable pushes of single records by 64 clients, and how many of them share a sync.
import { readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { closedLoop, eachOf } from "../load/closed-loop.ts";
import { httpRequest } from "../load/http-request.ts";
import { numberSource, syncBody } from "../load/sample-records.ts";
import { type Contestant, compare, interleave, median } from "../report/interleave.ts";
import { type Comparison, type Row, scaled } from "../report/row-report.ts";
import { startBareHttp } from "../servers/floor-servers.ts";
import { type ServerProcess, tempFolder, withCpu } from "../servers/server-process.ts";
import { standingOf, startSynchro, syncPath } from "../servers/synchro-server.ts";
import { buildFsyncShim } from "../../packages/server/src/store/sqlite/fsync-shim.ts";

const CLIENTS = 64;
const PUSHES = 8_000;
const SLOWED_MS = 5;
const US = "synchro";
const FLOOR = "bare node:http POST";
const SHARED = "records a sync";
const SHARED_SLOWED = `records a sync, each ${SLOWED_MS} ms slower`;

/** A server whose syncs are slowed and counted. */
type Watched = AsyncDisposable & {
  readonly name: string;
  readonly aim: number;
  readonly port: number;
  readonly countSyncs: () => number;
};

const startWatched = async (
  shim: string,
  { name, aim, fsyncMs }: { readonly name: string; readonly aim: number; readonly fsyncMs: number },
): Promise<Watched> => {
  const log = join(tempFolder(), "syncs");
  const server = await startSynchro({
    environment: { LD_PRELOAD: shim, FSYNC_MS: String(fsyncMs), FSYNC_LOG: log },
  });
  return {
    name,
    aim,
    port: server.port,
    countSyncs: () => readFileSync(log, "utf8").split("\n").length - 1,
    [Symbol.asyncDispose]: async () => {
      await server.stop();
      rmSync(dirname(log), { recursive: true });
    },
  };
};

const startAllWatched = async (started: AsyncDisposableStack): Promise<readonly Watched[]> => {
  const shim = buildFsyncShim();
  started.defer(() => rmSync(dirname(shim), { recursive: true }));
  const asItIs = { name: SHARED, aim: 8, fsyncMs: 0 };
  const slowed = { name: SHARED_SLOWED, aim: 16, fsyncMs: SLOWED_MS };
  return [
    started.use(await startWatched(shim, asItIs)),
    started.use(await startWatched(shim, slowed)),
  ];
};

/** What each push adds to the server that it goes to. */
type Source = { sent: number; readonly requests: (count: number) => readonly Buffer[] };

const createSource = (): Source => {
  const take = numberSource();
  const source: Source = {
    sent: 0,
    requests: (count) => {
      source.sent += count;
      return take(count).map((number) => httpRequest("POST", syncPath(), syncBody([number])));
    },
  };
  return source;
};

const speedOf = (
  name: string,
  { port, pid }: ServerProcess,
  source: Source,
  pushes: number,
): Contestant => ({
  name,
  unit: "pushes/s",
  turn: () => {
    const next = eachOf(source.requests(pushes));
    return withCpu(pid, async () => {
      const { requests, seconds } = await closedLoop({ port, connections: CLIENTS, next });
      return { figure: requests / seconds, operations: requests };
    });
  },
});

const sharingOf = (
  { name, port, countSyncs }: Watched,
  source: Source,
  pushes: number,
): Contestant => ({
  name,
  unit: "records",
  turn: async () => {
    const next = eachOf(source.requests(pushes));
    const before = countSyncs();
    await closedLoop({ port, connections: CLIENTS, next });
    return { figure: pushes / (countSyncs() - before) };
  },
});

export const pushSingles: Row = async (options) => {
  const pushes = scaled(options, PUSHES, CLIENTS);
  await using server = await startSynchro();
  await using bare = await startBareHttp();
  await using started = new AsyncDisposableStack();
  const watched = options.hasShim ? await startAllWatched(started) : [];
  const ours = createSource();
  const series = await interleave(
    [
      speedOf(US, server, ours, pushes),
      speedOf(FLOOR, bare, createSource(), pushes),
      ...watched.map((each) => sharingOf(each, createSource(), pushes)),
    ],
    options.rounds,
  );
  const shared = watched.map(({ name, aim }): Comparison => {
    const rounds = series.find((each) => each.name === name)?.rounds ?? [];
    return { what: name, ratio: median(rounds), aim: { is: "at least", value: aim } };
  });
  const { records } = await standingOf(server.port);
  return {
    row: "durable push, single records, 64 clients",
    series,
    comparisons: [compare(series, US, FLOOR, { is: "at least", value: 0.3 }), ...shared],
    counted: [{ what: "records in our digest", sent: ours.sent, found: records }],
    notes: [
      "syncs are counted where they are made, those that bring the log into the file included, so records a commit are no fewer than records a sync",
    ],
  };
};
