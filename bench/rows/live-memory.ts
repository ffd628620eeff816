// What an idle live connection holds of a server's memory, beside a bare connection of `ws`.
import { setTimeout as sleep } from "node:timers/promises";
import {
  followingSpace,
  type Greeting,
  openLiveSockets,
  sayingNothing,
} from "../load/live-sockets.ts";
import { type Contestant, compare, interleave } from "../report/interleave.ts";
import { type Row, scaled } from "../report/row-report.ts";
import { startBareWs } from "../servers/floor-servers.ts";
import { memoryOf, type ServerProcess } from "../servers/server-process.ts";
import { startSynchro } from "../servers/synchro-server.ts";

const CONNECTIONS = 5_000;
/** Connections that follow the same space. */
const A_SPACE = 50;
const REST_MS = 2_000;
const KIB = 1024;
/** V8's young generation grows by leaps with what is allocated, not with what is held: it is bounded alike. */
const nodeFlags = ["--max-semi-space-size=8"];

/** KiB that a connection holds of a server just started. */
const measure = async (
  start: () => Promise<ServerProcess>,
  connections: number,
  greetingOf: (index: number) => Greeting,
): Promise<number> => {
  await using server = await start();
  // Its code is warm before: what it takes is not the connections'.
  const few = await openLiveSockets(server.port, 500, greetingOf);
  await few.close();
  await sleep(REST_MS);
  const before = memoryOf(server.pid).now;
  const sockets = await openLiveSockets(server.port, connections, greetingOf);
  await sleep(REST_MS);
  const after = memoryOf(server.pid).now;
  await sockets.close();
  return (after - before) / KIB / connections;
};

export const liveMemory: Row = async (options) => {
  const connections = scaled(options, CONNECTIONS, 500);
  const contestant = (
    name: string,
    start: () => Promise<ServerProcess>,
    greetingOf: (index: number) => Greeting,
  ): Contestant => ({
    name,
    unit: "KiB a connection",
    turn: async () => ({ figure: await measure(start, connections, greetingOf) }),
  });
  const follow = (index: number): Greeting => followingSpace(`shop-${Math.floor(index / A_SPACE)}`);
  const series = await interleave(
    [
      contestant("Synchro", () => startSynchro({ nodeFlags }), follow),
      contestant(
        "bare ws",
        () => startBareWs({ nodeFlags }),
        () => sayingNothing,
      ),
    ],
    Math.min(3, options.rounds),
  );
  return {
    row: `memory of ${connections.toLocaleString("en")} idle live connections`,
    series,
    comparisons: [compare(series, "Synchro", "bare ws", { is: "at most", value: 1.3 })],
    counted: [],
    notes: [
      "growth of resident memory, as the kernel counts it; Linux only",
      `both with ${nodeFlags.join(" ")}: a young generation that grows by leaps would hide the rest`,
      `each of Synchro's follows a space, ${A_SPACE} to one`,
    ],
  };
};
