import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startNats } from "../../packages/server/testing/start-nats.ts";
import { freePort, untilSo } from "./child-program.ts";
import { type Cluster, startCluster } from "./start-cluster.ts";
import { startNode } from "./start-node.ts";

let cluster: Cluster;
let token: string;

beforeAll(async () => {
  cluster = await startCluster({ settings: { fsync: "off" } });
  token = await cluster.mintToken("shop-1=write", "shop-2=write", "shop-3=write", "shop-4=write");
}, 180_000);

afterAll(() => cluster.stop(), 60_000);

type Asking = Omit<RequestInit, "headers"> & {
  readonly headers?: { readonly [name: string]: string };
};

const ask = (url: string, path: string, init: Asking = {}): Promise<Response> =>
  fetch(`${url}/v2/spaces/${path}`, {
    ...init,
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      ...init.headers,
    },
  });

/** The answer's status; 0: there was none. */
const push = async (url: string, space: string, key: string): Promise<number> => {
  const updated_at = "2026-11-24T10:00:00Z";
  const value = { expiration_date: "2026-12-01" };
  const changes = [{ collection: "readings", key, updated_at, value }];
  const body = JSON.stringify({ client_id: "test", cursor: null, pull: false, changes });
  try {
    const answer = await ask(url, `${space}/sync`, { method: "POST", body });
    const text = await answer.text();
    if (answer.status === 200) expect(text).toContain('"results":[{"seq":');
    return answer.status;
  } catch {
    return 0;
  }
};

/** The keys of all that a space holds. */
const keysOf = async (url: string, space: string): Promise<ReadonlySet<string>> => {
  const keys = new Set<string>();
  for (let cursor = ""; ;) {
    const answer = await ask(url, `${space}/changes?cursor=${cursor}`);
    const page = (await answer.json()) as {
      readonly cursor: string;
      readonly more: boolean;
      readonly changes: readonly { readonly key: string }[];
    };
    for (const { key } of page.changes) keys.add(key);
    ({ cursor } = page);
    if (!page.more) return keys;
  }
};

/** Follows a space on a node; `heard` grows with what comes. */
const follow = async (url: string, space: string) => {
  const gone = new AbortController();
  const headers = { accept: "text/event-stream" };
  const answer = await ask(url, `${space}/changes`, { headers, signal: gone.signal });
  const heard = { text: "" };
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of answer.body ?? []) heard.text += decoder.decode(chunk as Uint8Array);
  })().catch(() => {});
  await untilSo("a stream has begun", () => heard.text.includes("digest"));
  const hears = async (key: string): Promise<number> => {
    const startMs = performance.now();
    await untilSo(`${key} is heard`, () => heard.text.includes(`"${key}"`), 20_000);
    return performance.now() - startMs;
  };
  const stop = async (): Promise<void> => {
    gone.abort();
    await reading;
  };
  return { heard, hears, stop };
};

/** Clients that push over the proxy, one record after another, and repeat what was not acknowledged. */
const startLoad = (space: string, clients: number) => {
  const acknowledged: string[] = [];
  const refusals: number[] = [];
  const load = { isOver: false };
  const work = Array.from({ length: clients }, async (_, client) => {
    for (let number = 0; !load.isOver; number += 1) {
      const key = `c${client}-${number}`;
      for (;;) {
        const status = await push(cluster.url, space, key);
        if (status === 200) break;
        refusals.push(status);
        await sleep(50);
      }
      acknowledged.push(key);
    }
  });
  const stop = async (): Promise<void> => {
    load.isOver = true;
    await Promise.all(work);
  };
  return { acknowledged, refusals, stop };
};

const expectHeld = async (space: string, acknowledged: readonly string[]): Promise<void> => {
  for (const { url } of cluster.nodes) {
    const held = await keysOf(url, space);
    expect(acknowledged.filter((key) => !held.has(key))).toEqual([]);
  }
};

describe("a cluster on one machine", () => {
  test("a node that is killed takes nothing with it that was acknowledged", async () => {
    const load = startLoad("shop-1", 8);
    await sleep(1_000);
    const [, second] = cluster.nodes;
    await second?.kill();
    await sleep(1_000);
    await second?.start();
    await sleep(500);
    await load.stop();
    expect(load.acknowledged.length).toBeGreaterThan(50);
    await expectHeld("shop-1", load.acknowledged);
  }, 120_000);

  test("a rolling restart under load loses no acknowledgement, and refuses nobody", async () => {
    const load = startLoad("shop-2", 8);
    await sleep(1_000);
    for (const node of cluster.nodes) {
      expect(await node.stop()).toBe(0);
      await node.start();
      await sleep(300);
    }
    await load.stop();
    expect(load.acknowledged.length).toBeGreaterThan(50);
    expect(load.refusals).toEqual([]);
    await expectHeld("shop-2", load.acknowledged);
  }, 180_000);

  test("nodes whose database is away say so and answer nothing false, and go on when it is back", async () => {
    const [node] = cluster.nodes;
    const ready = async (): Promise<number> => (await fetch(`${node?.url}/readyz`)).status;
    expect(await ready()).toBe(200);
    await cluster.primary.stop("immediate");
    await untilSo("it is not ready", async () => (await ready()) === 503, 10_000);
    const reasons = await (await fetch(`${node?.url}/readyz`)).text();
    expect(reasons).toContain("can't be reached");
    expect(reasons).not.toContain("127.0.0.1");
    expect(await push(cluster.url, "shop-4", "while-away")).toBe(503);
    await cluster.primary.start();
    await untilSo("it is ready", async () => (await ready()) === 200, 20_000);
    expect(await push(cluster.url, "shop-4", "once-back")).toBe(200);
  }, 60_000);

  test("who follows a space on one node hears at once of what is committed on another", async () => {
    const [first, second, third] = cluster.nodes.map(({ url }) => url) as [string, string, string];
    const streams = [await follow(second, "shop-3"), await follow(third, "shop-3")];
    for (let number = 0; number < 5; number += 1) {
      expect(await push(first, "shop-3", `live-${number}`)).toBe(200);
      for (const { hears } of streams) expect(await hears(`live-${number}`)).toBeLessThan(2_000);
    }
    for (const { stop } of streams) await stop();
  }, 60_000);

  test("also where the replica that would answer is seconds behind", async () => {
    const [first, second] = cluster.nodes.map(({ url }) => url) as [string, string];
    const [replica] = cluster.replicas;
    await replica?.stop();
    await replica?.start({ recovery_min_apply_delay: "8s" });
    const stream = await follow(second, "shop-3");
    for (let number = 0; number < 5; number += 1) {
      expect(await push(first, "shop-3", `late-${number}`)).toBe(200);
      expect(await stream.hears(`late-${number}`)).toBeLessThan(2_000);
    }
    await stream.stop();
    await replica?.stop();
    await replica?.start({ recovery_min_apply_delay: "0" });
  }, 60_000);

  test("a node that is cut off from the others' hints looks for itself within seconds", async () => {
    const [first, second] = cluster.nodes.map(({ url }) => url) as [string, string];
    const stream = await follow(second, "shop-4");
    // The seam: what the nodes tell each other goes nowhere, again and again.
    const cutting = setInterval(() => {
      void cluster.primary
        .sql(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'synchro bus'",
        )
        .catch(() => {});
    }, 100);
    await sleep(500);
    expect(await push(first, "shop-4", "unheard")).toBe(200);
    expect(await stream.hears("unheard")).toBeLessThan(10_000);
    clearInterval(cutting);
    await stream.stop();
  }, 60_000);

  test("nodes tell each other over NATS where they are told to", async () => {
    const nats = await startNats();
    const start = async (name: string) =>
      startNode({
        name,
        port: await freePort(),
        folder: cluster.folder,
        flags: ["--keys", join(cluster.folder, "keys.json")],
        environment: {
          SYNCHRO_DATABASE: cluster.primary.url,
          SYNCHRO_BUS: `nats://127.0.0.1:${nats.port}`,
        },
      });
    const [a, b] = await Promise.all([start("nats-1"), start("nats-2")]);
    const stream = await follow(b.url, "shop-4");
    await sleep(1_000);
    for (let number = 0; number < 5; number += 1) {
      expect(await push(a.url, "shop-4", `nats-${number}`)).toBe(200);
      expect(await stream.hears(`nats-${number}`)).toBeLessThan(2_000);
    }
    await nats.stop();
    // The backstop alone.
    expect(await push(a.url, "shop-4", "no-nats")).toBe(200);
    expect(await stream.hears("no-nats")).toBeLessThan(10_000);
    await stream.stop();
    expect(await Promise.all([a.stop(), b.stop()])).toEqual([0, 0]);
    expect(readFileSync(a.log, "utf8")).toContain("other nodes can't be told of commits");
  }, 60_000);
});
