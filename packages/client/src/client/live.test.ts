import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import {
  startTestServer,
  type TestServer,
  type TestServerOptions,
} from "../../../server/testing/start-test-server.ts";
import { startTcpProxy, type TcpProxy } from "../../../server/testing/tcp-proxy.ts";
import { collection } from "../collection/collection.ts";
import { t } from "../collection/t.ts";
import { webRuntime } from "../runtime/web-runtime.ts";
import { openMemoryStore } from "../store/memory/open-memory-store.ts";
import { createHttpTransport } from "../transport/http-transport.ts";
import { createLiveTransport } from "../transport/live-transport.ts";
import type { GetToken, Page, Transport } from "../transport/transport.ts";
import { defaultTransportLimits, type TransportLimits } from "../transport/transport-limits.ts";
import { createClient } from "./create-client.ts";

const readings = collection("readings", {
  key: "gtin",
  fields: { gtin: t.string(), expiration_date: t.date(), quantity: t.integer().optional() },
});
const milk = { gtin: "7311041048955", expiration_date: "2026-12-01" };

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

const serve = async (options: TestServerOptions = {}): Promise<TestServer> => {
  const server = await startTestServer(options);
  closing.push(server.stop);
  return server;
};

const proxyTo = async (server: TestServer, seed = 1): Promise<TcpProxy & { url: string }> => {
  const proxy = await startTcpProxy(
    { host: "127.0.0.1", port: Number(new URL(server.url).port) },
    seed,
  );
  closing.push(proxy.close);
  return { ...proxy, url: `http://127.0.0.1:${proxy.port}` };
};

/** What went over HTTP, and over WebSockets. */
type Traffic = { readonly http: string[]; sockets: number; sent: number };

const watched = (): {
  readonly traffic: Traffic;
  readonly fetch: typeof fetch;
  readonly webSocket: typeof WebSocket;
} => {
  const traffic: Traffic = { http: [], sockets: 0, sent: 0 };
  return {
    traffic,
    fetch: (input, init) => {
      traffic.http.push(`${init?.method ?? "GET"} ${new Headers(init?.headers).get("accept")}`);
      return fetch(input, init);
    },
    webSocket: class extends WebSocket {
      constructor(url: string | URL, protocols?: string | string[]) {
        super(url, protocols);
        traffic.sockets += 1;
      }
      override send(data: string): void {
        traffic.sent += 1;
        super.send(data);
      }
    },
  };
};

const openClient = (url: string, options: object = {}) => {
  const client = createClient({
    url,
    space: "malmo-1",
    collections: { readings },
    openStore: openMemoryStore,
    onError: (error) => {
      throw error;
    },
    ...options,
  });
  closing.push(() => client.close());
  return client;
};

type LiveClient = ReturnType<typeof openClient>;

const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await holds())) await sleep(5);
};

const isLive = (client: LiveClient) => () => client.status.get().state === "live";
const holds = (client: LiveClient, quantity: number) => async () =>
  (await client.readings.find(milk.gtin))?.quantity === quantity;

describe("a client and a server over a WebSocket", () => {
  test("edits go out and come in over it, and nothing goes by HTTP meanwhile", async () => {
    const server = await serve();
    // The first change of a space begins a run, under which what was sent before is sent again.
    await write(server, "first");
    const { traffic, ...platform } = watched();
    const anna = openClient(server.url, platform);
    const bo = openClient(server.url);
    await until(isLive(anna));
    await until(isLive(bo));
    const [asked, sent] = [traffic.http.length, traffic.sent];
    await anna.readings.put({ ...milk, quantity: 1 }).synced;
    await until(holds(bo, 1));
    await bo.readings.put({ ...milk, quantity: 2 }).synced;
    await until(holds(anna, 2));
    expect(traffic.http.length).toBe(asked);
    expect(traffic).toMatchObject({ sockets: 1, sent: sent + 1 });
    expect(anna.status.get()).toMatchObject({ state: "live", by: "stream", pending: 0 });
  });

  test("[CLIENT-15] a cut line is opened again where it was, and what happened meanwhile is not lost", async () => {
    const server = await serve();
    const proxy = await proxyTo(server);
    const { traffic, ...platform } = watched();
    const anna = openClient(proxy.url, platform);
    const bo = openClient(server.url);
    await until(isLive(anna));
    for (let round = 1; round <= 5; round += 1) {
      proxy.cut();
      await bo.readings.put({ ...milk, quantity: round }).synced;
      anna.sync();
      await until(holds(anna, round));
      await until(isLive(anna));
    }
    expect(
      traffic.sockets + traffic.http.filter((each) => each.includes("event-stream")).length,
    ).toBeGreaterThan(3);
  });

  test("none is opened past an app's own fetch, nor where the app wants none", async () => {
    const server = await serve();
    const { traffic, fetch: ownFetch, webSocket } = watched();
    for (const options of [{ fetch: ownFetch }, { fetch: ownFetch, webSocket: null }]) {
      const client = openClient(server.url, options);
      await until(isLive(client));
      await client.close();
    }
    expect(traffic.sockets).toBe(0);
    expect(traffic.http).toContain("GET text/event-stream");
    const client = openClient(server.url, { fetch: ownFetch, webSocket });
    await until(isLive(client));
    expect(traffic.sockets).toBe(1);
  });
});

type Stream = {
  readonly transport: Transport;
  readonly traffic: Traffic;
  readonly pages: Page[];
  readonly end: ReturnType<Transport["follow"]>;
  readonly stop: () => void;
};

const follow = (
  url: string,
  limits: Partial<TransportLimits>,
  getToken: GetToken = async () => null,
): Stream => {
  const { traffic, ...platform } = watched();
  const deps = { url, space: "malmo-1", getToken, runtime: webRuntime, limits, ...platform };
  const transport = createLiveTransport(createHttpTransport(deps), deps);
  const pages: Page[] = [];
  const from = { cursor: null, ack: null, collections: null, tombstones: false, limit: null };
  const hangUp = new AbortController();
  const onPage = async (page: Page): Promise<"go on"> => {
    pages.push(page);
    return "go on";
  };
  const end = transport.follow(from, onPage, hangUp.signal);
  const stop = (): void => hangUp.abort();
  closing.push(stop);
  return { transport, traffic, pages, end, stop };
};

const write = async (server: TestServer, gtin: string): Promise<void> => {
  await fetch(`${server.url}/v2/spaces/malmo-1/sync`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: "Bearer writer" },
    body: JSON.stringify({
      client_id: "w",
      pull: false,
      changes: [
        {
          collection: "readings",
          key: gtin,
          updated_at: "2026-11-24T10:00:00Z",
          value: { expiration_date: "2026-12-01" },
        },
      ],
    }),
  });
};

describe("a line in trouble", () => {
  test("[CLIENT-34] one on which bytes vanish is noticed by its pings, within two of them", async () => {
    const server = await serve();
    const proxy = await proxyTo(server);
    const stream = follow(proxy.url, { socketPingMs: 150 });
    await until(() => stream.pages.length === 1);
    await sleep(600);
    expect(stream.traffic.sent).toBeGreaterThan(4);
    const startedAt = performance.now();
    proxy.blackhole();
    expect(await stream.end).toEqual({ kind: "unreachable", reason: "the connection fell silent" });
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });

  test.each([
    ["answers as to a plain request", (url: string) => new Response(url, { status: 200 })],
    ["answers 503 before the upgrade", () => new Response("full", { status: 503 })],
  ])(
    "[CLIENT-33] a proxy that knows no upgrades and %s leaves server-sent events",
    async (_, answer) => {
      const server = await serve();
      const { url } = await plainProxy(server, async (asked) => answer(asked));
      const stream = follow(url, {});
      await until(() => stream.pages.length === 1);
      await write(server, "a");
      await until(() => stream.pages.length === 2);
      expect(stream.traffic).toMatchObject({ sockets: 1, http: ["GET text/event-stream"] });
    },
  );

  test("[CLIENT-33] a proxy that swallows upgrades costs as long as one is waited for", async () => {
    const server = await serve();
    const { url } = await plainProxy(server, () => new Promise(() => {}));
    const startedAt = performance.now();
    const stream = follow(url, { socketOpenMs: 300 });
    await until(() => stream.pages.length === 1);
    expect(performance.now() - startedAt).toBeGreaterThan(250);
    expect(stream.traffic).toMatchObject({ sockets: 1, http: ["GET text/event-stream"] });
    expect(defaultTransportLimits.socketOpenMs).toBeLessThan(10_000);
  });

  test("[CLIENT-15] [CLIENT-35] a server whose readers fall behind: the caller is not handed more than a bound, and reads it again", async () => {
    const server = await serve();
    const limits = { socketQueueCharsMax: 2_000 };
    const { transport } = follow(server.url, limits);
    const gate = Promise.withResolvers<void>();
    const keys: string[] = [];
    let cursor: string | null = null;
    const take = async (page: Page): Promise<"go on"> => {
      await gate.promise;
      keys.push(...page.changes.map(({ key }) => key));
      cursor = page.cursor;
      return "go on";
    };
    const from = { ack: null, collections: null, tombstones: false, limit: null };
    const signal = new AbortController();
    closing.push(() => signal.abort());
    const first = transport.follow({ ...from, cursor }, take, signal.signal);
    await sleep(100);
    for (let index = 0; index < 60; index += 1) await write(server, `k${index}`);
    gate.resolve();
    expect(await first).toEqual({ kind: "ended" });
    expect(keys.length).toBeLessThan(60);
    void transport.follow({ ...from, cursor }, take, signal.signal);
    await until(() => keys.length === 60);
    expect(keys).toEqual(Array.from({ length: 60 }, (_, index) => `k${index}`));
  });
});

/** Passes on what is no upgrade, streams too; an upgrade gets what `answer` says, after its head. */
const plainProxy = async (
  server: TestServer,
  answer: (url: string) => Promise<Response>,
): Promise<{ readonly url: string }> => {
  const proxy = createServer((request, response) => {
    const forward = async (): Promise<void> => {
      const headers = { accept: request.headers.accept ?? "*/*" };
      const hangUp = new AbortController();
      response.on("close", () => hangUp.abort());
      const target = `${server.url}${request.url ?? ""}`;
      const answered = await fetch(target, { headers, signal: hangUp.signal });
      response.writeHead(answered.status, {
        "content-type": answered.headers.get("content-type") ?? "",
      });
      for await (const bytes of answered.body ?? []) response.write(bytes);
      response.end();
    };
    forward().catch(() => response.destroy());
  });
  proxy.on("upgrade", (request, socket) => {
    socket.on("error", () => {});
    const refuse = async (): Promise<void> => {
      const { status } = await answer(request.url ?? "");
      socket.end(`HTTP/1.1 ${status} Whatever\r\ncontent-length: 2\r\n\r\nno`);
    };
    void refuse();
  });
  await new Promise<void>((resolve) => void proxy.listen(0, "127.0.0.1", resolve));
  closing.push(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  return { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` };
};

describe("a token", () => {
  const guarded = (valid: ReadonlySet<string>): Promise<TestServer> =>
    serve({
      limits: { streamAuthorizeMs: 100 },
      authorize: async ({ token }) =>
        token === "writer" || (token !== null && valid.has(token))
          ? { kind: "allowed", subject: token }
          : { kind: "unauthorized" },
    });

  test("that the app renews in time interrupts nothing", async () => {
    const valid = new Set(["first"]);
    const server = await guarded(valid);
    let token = "first";
    const stream = follow(server.url, { socketPingMs: 100 }, async () => token);
    await until(() => stream.pages.length === 1);
    valid.add("second");
    token = "second";
    await sleep(400);
    valid.delete("first");
    await sleep(400);
    await write(server, "a");
    await until(() => stream.pages.length === 2);
    expect(stream.traffic).toMatchObject({ sockets: 1, http: [] });
  });

  test("that ends ends the stream, so that whoever reads on asks for another", async () => {
    const valid = new Set(["first"]);
    const server = await guarded(valid);
    const stream = follow(server.url, {}, async () => "first");
    await until(() => stream.pages.length === 1);
    valid.clear();
    expect(await stream.end).toEqual({ kind: "ended" });
  });
});
