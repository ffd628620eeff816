import { defaultLimits } from "@synchro/protocol";
import { afterEach } from "vitest";
import { connectLive, helloLive, type LiveClient, type LiveClientOptions } from "./live-client.ts";
import { startTestServer, type TestServer, type TestServerOptions } from "./start-test-server.ts";
import { VirtualTime } from "./virtual-time.ts";

/** A server for the tests of one file, in open mode and in a time of the test's. */
export type LiveServer = {
  readonly start: (options?: TestServerOptions) => Promise<void>;
  readonly server: () => TestServer;
  readonly time: () => VirtualTime;
  /** A client that has said nothing yet. */
  readonly connect: (options?: LiveClientOptions) => Promise<LiveClient>;
  /** A client that was welcomed. */
  readonly hello: (token?: string) => Promise<LiveClient>;
  /** Counts what the store is asked, from now on. */
  readonly countPulls: () => () => number;
};

/** One a test; what a test leaves open is closed after it. */
export const useLiveServer = (): LiveServer => {
  let running: TestServer | null = null;
  let time = new VirtualTime();
  const clients: LiveClient[] = [];
  const server = (): TestServer => {
    if (running === null) throw new Error("the server was not started");
    return running;
  };
  const keep = (client: LiveClient): LiveClient => {
    clients.push(client);
    return client;
  };
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    const stopped = running?.stop();
    running = null;
    // A stop waits by the server's own time.
    await time.advance(100);
    await stopped;
  });
  return {
    start: async (options = {}) => {
      time = new VirtualTime();
      running = await startTestServer({ runtime: time.runtime, ...options });
    },
    server,
    time: () => time,
    connect: async (options) => keep(await connectLive(server().url, options)),
    hello: async (token) => keep(await helloLive(server().url, token ?? null)),
    countPulls: () => {
      const { store } = server();
      const readPage = store.pull.bind(store);
      let pulls = 0;
      store.pull = (request) => {
        pulls += 1;
        return readPage(request);
      };
      return () => pulls;
    },
  };
};

/** The closes that this protocol has for a problem's status. */
export const closeCode = (status: number): number => 4_000 + status;

export const { liveGraceMs, livePingMs, streamAuthorizeMs, streamIdleMs, headersMs } =
  defaultLimits;
