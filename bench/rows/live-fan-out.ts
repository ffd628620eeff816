// One change to 1,000 live subscribers of a space, beside a bare `ws` that sends the same bytes to as many.
import { httpRequest } from "../load/http-request.ts";
import { HttpConnection } from "../load/http-connection.ts";
import {
  followingSpace,
  type LiveSockets,
  openLiveSockets,
  sayingNothing,
} from "../load/live-sockets.ts";
import { numberSource, sampleRecord, syncBody } from "../load/sample-records.ts";
import { type Contestant, compare, interleave } from "../report/interleave.ts";
import { type Row, scaled } from "../report/row-report.ts";
import { startBareWs } from "../servers/floor-servers.ts";
import { startSynchro, syncPath } from "../servers/synchro-server.ts";

const SUBSCRIBERS = 1_000;
const CHANGES = 20;

const percentile = (figures: readonly number[], part: number): number =>
  figures.toSorted((a, b) => a - b)[Math.ceil(figures.length * part) - 1] ?? Number.NaN;

/** Milliseconds from a request until each subscriber has what came of it; the 99th of a hundred. */
const measure = async (
  sockets: LiveSockets,
  connection: HttpConnection,
  changes: number,
  next: () => { readonly request: Buffer; readonly holds: string },
): Promise<number> => {
  const all: number[] = [];
  for (let count = 0; count < changes; count += 1) {
    const { request, holds } = next();
    const arriving = sockets.arrivals(holds);
    const { status } = await connection.exchange(request);
    if (status !== 200) throw new Error(`answered ${status}`);
    all.push(...(await arriving));
  }
  return percentile(all, 0.99);
};

export const liveFanOut: Row = async (options) => {
  const subscribers = scaled(options, SUBSCRIBERS, 10);
  const changes = scaled(options, CHANGES, 3);
  await using synchro = await startSynchro();
  await using bare = await startBareWs();
  const take = numberSource();
  const push = (): { readonly request: Buffer; readonly holds: string } => {
    const numbers = take(1);
    const { key } = sampleRecord(numbers[0] ?? 0);
    return { request: httpRequest("POST", syncPath(), syncBody(numbers)), holds: `"${key}"` };
  };
  const followers = await openLiveSockets(synchro.port, subscribers, () =>
    followingSpace("default"),
  );
  const listeners = await openLiveSockets(bare.port, subscribers, () => sayingNothing);
  const toSynchro = await HttpConnection.open(synchro.port);
  const toBare = await HttpConnection.open(bare.port);
  let arrived = 0;
  // What a follower gets is what the bare server sends, number by number.
  await measure(followers, toSynchro, 1, push);
  const frame = followers.last();
  const broadcast = (): { readonly request: Buffer; readonly holds: string } => {
    arrived += 1;
    const holds = `"${String(arrived).padStart(15, "0")}"`;
    const body = frame.replace(/"key":"\d+"/, `"key":${holds}`);
    return { request: httpRequest("POST", "/", body), holds };
  };
  const contestants: readonly Contestant[] = [
    {
      name: "Synchro",
      unit: "ms, p99",
      turn: async () => ({ figure: await measure(followers, toSynchro, changes, push) }),
    },
    {
      name: "bare ws",
      unit: "ms, p99",
      turn: async () => ({ figure: await measure(listeners, toBare, changes, broadcast) }),
    },
  ];
  const series = await interleave(contestants, options.rounds);
  toSynchro.close();
  toBare.close();
  await followers.close();
  await listeners.close();
  return {
    row: `one change to ${subscribers.toLocaleString("en")} live subscribers`,
    series,
    comparisons: [compare(series, "Synchro", "bare ws", { is: "at most", value: 2 })],
    counted: [
      {
        what: "broadcasts that reached each listener",
        sent: (options.rounds + 1) * changes,
        found: arrived,
      },
    ],
    notes: [
      "from the request until each subscriber has it; Synchro's is on the disk before",
      `${changes} changes a round; all subscribers in one process`,
    ],
  };
};
