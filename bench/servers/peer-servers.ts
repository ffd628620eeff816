import { existsSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { closedLoop, eachOf } from "../load/closed-loop.ts";
import { httpRequest } from "../load/http-request.ts";
import { portIn, type ServerProcess, startServerProcess } from "./server-process.ts";

const peers = join(import.meta.dirname, "../peers");

/** Whether `npm run bench:peers` has been run. */
export const arePeersInstalled = (): boolean =>
  existsSync(join(peers, "node_modules/pouchdb-server/package.json")) &&
  existsSync(join(peers, "node_modules/rxdb-server/package.json")) &&
  existsSync(join(peers, "node_modules/pouchdb/package.json"));

export const POUCHDB = "pouchdb-server 4.2.0";
export const RXDB = "rxdb-server 15.22.0";
/** What they are as clients. */
export const POUCHDB_CLIENT = "PouchDB 9.0.0";
export const RXDB_CLIENT = "RxDB 15.22.0";

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
};

const untilServed = async (port: number): Promise<number> => {
  for (let tries = 0; ; tries += 1) {
    try {
      await fetch(`http://127.0.0.1:${port}/`);
      return port;
    } catch (error) {
      if (tries > 150) throw error;
      await sleep(200);
    }
  }
};

/** PouchDB's own server over LevelDB, with a database `bench`. It does not sync its log: nothing that it answered is sure to be on the disk. */
export const startPouchdb = async (): Promise<ServerProcess> => {
  const port = await freePort();
  const server = await startServerProcess({
    program: join(peers, "node_modules/pouchdb-server/bin/pouchdb-server"),
    // It warns of its own listeners at every pull.
    environment: { NODE_NO_WARNINGS: "1" },
    args: (folder) =>
      ["--port", String(port), "--host", "127.0.0.1", "--dir", folder].concat("--no-stdout-logs"),
    ready: () => untilServed(port),
  });
  await closedLoop({ port, connections: 1, next: eachOf([httpRequest("PUT", "/bench", "")]) });
  return server;
};

/** RxDB's server over its own storage in memory, with a collection `readings`. */
export const startRxdb = (): Promise<ServerProcess> =>
  startServerProcess({
    program: join(peers, "serve-rxdb.mjs"),
    args: () => [],
    ready: portIn(/^(\d+)$/m),
  });
