import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../scripts/cluster/child-program.ts";
import { type ClusterNode, startNode, synchro } from "../scripts/cluster/start-node.ts";
import { type RunningProxy, startHaproxy, startNginx } from "../scripts/cluster/start-proxy.ts";

let folder: string;
let node: ClusterNode;
let token: string;

const run = (...args: readonly string[]): string => {
  const [program = "", ...rest] = synchro(...args);
  const { status, stdout, stderr } = spawnSync(program, rest, { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return stdout.trim();
};

const startServer = async (name: string, more: readonly string[] = []): Promise<ClusterNode> => {
  const port = await freePort();
  const keys = ["--keys", join(folder, "keys.json")];
  const flags = [...keys, "--data", join(folder, name), ...more];
  return startNode({ name, port, folder, flags });
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "synchro-proxies-"));
  const keys = join(folder, "keys.json");
  run("key", "new", "--keys", keys);
  token = run("token", "--space", "shop-1=write", "--subject", "test", "--keys", keys);
  node = await startServer("node-1");
});

afterAll(async () => {
  await node.stop();
  rmSync(folder, { recursive: true });
});

type Asking = Omit<RequestInit, "headers"> & {
  readonly headers?: { readonly [name: string]: string };
};

const ask = (url: string, path: string, init: Asking = {}): Promise<Response> =>
  fetch(`${url}/v2/spaces/shop-1${path}`, {
    ...init,
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      ...init.headers,
    },
  });

let made = 0;

/** Sends new records, and gives their keys once all are durable. */
const pushMany = async (url: string, count: number): Promise<readonly string[]> => {
  const keys = Array.from({ length: count }, (_, index) => `k-${made + index}`);
  made += count;
  const changes = keys.map((key) => ({
    collection: "readings",
    key,
    updated_at: "2026-11-24T10:00:00Z",
    value: { expiration_date: "2026-12-01" },
  }));
  const body = JSON.stringify({ client_id: "test", cursor: null, pull: false, changes });
  const answer = await ask(url, "/sync", { method: "POST", body });
  expect(answer.status).toBe(200);
  const { results } = (await answer.json()) as { readonly results: readonly object[] };
  expect(results).toEqual(keys.map(() => ({ seq: expect.any(Number) })));
  return keys;
};

const push = async (url: string): Promise<string> => (await pushMany(url, 1))[0] ?? "";

const cursorNow = async (url: string): Promise<string> => {
  let cursor = "";
  for (;;) {
    const answer = await ask(url, `/changes?cursor=${cursor}`);
    const page = (await answer.json()) as { readonly cursor: string; readonly more: boolean };
    ({ cursor } = page);
    if (!page.more) return cursor;
  }
};

/** Reads a body until it holds a text; tells how long that took. */
const readUntil = async (response: Response, text: string): Promise<number> => {
  const startMs = performance.now();
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let read = "";
  while (!read.includes(text)) {
    const next = await reader?.read();
    if (next === undefined || next.done) throw new Error(`ended without ${text}: ${read}`);
    read += next.value;
  }
  await reader?.cancel();
  return performance.now() - startMs;
};

/** A node that is none: it takes a request and hangs up. */
const startQuitter = async (): Promise<{ port: number; asked: () => number; stop: () => void }> => {
  let asked = 0;
  const server = createTcpServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (chunk) => {
      // What it says to a health check is of no interest here.
      if (chunk.toString("latin1").includes("/readyz")) {
        socket.end("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        return;
      }
      asked += 1;
      socket.destroy();
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { port, asked: () => asked, stop: () => void server.close() };
};

/** The frames of a WebSocket, one after another. */
const openLive = async (url: string) => {
  const socket = new WebSocket(`${url.replace("http", "ws")}/v2/live`, "synchro.v2");
  const frames: string[] = [];
  socket.addEventListener("message", ({ data }) => void frames.push(String(data)));
  await once(socket, "open");
  return {
    socket,
    send: (frame: object) => socket.send(JSON.stringify(frame)),
    hears: async (text: string): Promise<void> => {
      const isHeard = (): boolean => frames.some((frame) => frame.includes(text));
      await expect.poll(isHeard, { timeout: 5_000 }).toBe(true);
    },
  };
};

describe.each([
  ["nginx", startNginx],
  ["haproxy", startHaproxy],
] as const)("behind %s", (name, start) => {
  let proxy: RunningProxy;

  const startOver = (ports: readonly number[], part: string): Promise<RunningProxy> =>
    start({
      folder: join(folder, `${name}-${part}`),
      nodes: ports.map((port) => `127.0.0.1:${port}`),
    });

  beforeAll(async () => {
    proxy = await startOver([node.port], "main");
  });

  afterAll(() => proxy.stop());

  test("the program itself has nothing against the configuration", () => {
    expect(proxy.verdict).not.toMatch(/warn|emerg|alert/i);
  });

  test("a push gets through whose node hangs up on it, for it is sent to another", async () => {
    const quitter = await startQuitter();
    const over = await startOver([quitter.port, node.port], "quitter");
    for (let at = 0; at < 20; at += 1) {
      await push(over.url);
      // nginx leaves a node alone for two seconds that has failed.
      if (at % 5 === 4) await sleep(2_100);
    }
    expect(quitter.asked()).toBeGreaterThan(1);
    await over.stop();
    quitter.stop();
  }, 60_000);

  test("a node that is gone costs nobody a request", async () => {
    const over = await startOver([await freePort(), node.port, await freePort()], "gone");
    for (let at = 0; at < 20; at += 1) await push(over.url);
    expect((await ask(over.url, "/changes?cursor=")).status).toBe(200);
    await over.stop();
  });

  test("a node that is stopped under load costs nobody a request", async () => {
    const drains = ["--drain-delay", "3"];
    const other = await startServer(`${name}-other`, name === "haproxy" ? drains : []);
    const over = await startOver([other.port, node.port], "stopped");
    await sleep(1_500);
    const load = { isOver: false };
    let pushes = 0;
    const work = Array.from({ length: 8 }, async () => {
      for (; !load.isOver; pushes += 1) await push(over.url);
    });
    await sleep(300);
    expect(await other.stop()).toBe(0);
    await sleep(300);
    load.isOver = true;
    await Promise.all(work);
    expect(pushes).toBeGreaterThan(20);
    await over.stop();
  }, 60_000);

  test("server-sent events come as they happen", async () => {
    const cursor = await cursorNow(proxy.url);
    const headers = { accept: "text/event-stream" };
    const stream = await ask(proxy.url, `/changes?cursor=${cursor}`, { headers });
    expect(stream.status).toBe(200);
    const key = await push(proxy.url);
    expect(await readUntil(stream, `"${key}"`)).toBeLessThan(1_000);
  });

  test("a long poll waits, and ends as soon as there is something", async () => {
    const cursor = await cursorNow(proxy.url);
    let isAnswered = false;
    const waiting = ask(proxy.url, `/changes?cursor=${cursor}&wait=30`).then(async (answer) => {
      isAnswered = true;
      return (await answer.json()) as { readonly changes: readonly { readonly key: string }[] };
    });
    await sleep(1_500);
    expect(isAnswered).toBe(false);
    const key = await push(proxy.url);
    const startMs = performance.now();
    expect((await waiting).changes.map((change) => change.key)).toEqual([key]);
    expect(performance.now() - startMs).toBeLessThan(1_000);
  });

  test("NDJSON comes whole, a large push gets through, and one too large is refused", async () => {
    const keys = await pushMany(proxy.url, 5_000);
    const answer = await ask(proxy.url, "/changes", {
      headers: { accept: "application/x-ndjson" },
    });
    const lines = (await answer.text()).trimEnd().split("\n");
    expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({ more: false });
    const read = new Set(lines.map((line) => (JSON.parse(line) as { readonly key?: string }).key));
    expect(keys.filter((key) => !read.has(key))).toEqual([]);
    const body = `{"changes": [], "padding": "${"x".repeat(5 * 1024 * 1024)}"}`;
    const refused = await ask(proxy.url, "/sync", { method: "POST", body }).catch(() => null);
    expect([413, undefined]).toContain(refused?.status);
  }, 60_000);

  test("a WebSocket opens, carries both ways, and stays", async () => {
    const live = await openLive(proxy.url);
    live.send({ type: "hello", protocol: 2, token });
    live.send({ type: "subscribe", id: "s", space: "shop-1", cursor: await cursorNow(proxy.url) });
    await live.hears("subscribed");
    for (let at = 0; at < 3; at += 1) {
      await sleep(1_000);
      await live.hears(`"${await push(proxy.url)}"`);
    }
    expect(live.socket.readyState).toBe(WebSocket.OPEN);
    live.socket.close();
    await once(live.socket, "close");
  });

  test("the metrics of one node are not shown as those of all", async () => {
    expect((await fetch(`${proxy.url}/metrics`)).status).toBe(404);
    expect((await fetch(`${proxy.url}/healthz`)).status).toBe(200);
  });
});
