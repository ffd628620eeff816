import { describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import type { LiveClient } from "../../../../testing/live-client.ts";
import { livePingMs, useLiveServer } from "../../../../testing/live-server.ts";
import { reading, shop } from "../../../../testing/v2-requests.ts";

const live = useLiveServer();

const NOW = "2026-11-24T10:00:00Z";

/** A client that answers no ping. */
const deaf = async (): Promise<LiveClient> => {
  const client = await live.hello();
  client.socket.pong = () => {};
  return client;
};

describe("[LIVE-27] a connection", () => {
  test("that answers no ping is cut at the next; one that does lives", async () => {
    await live.start();
    const [dead, alive] = [await deaf(), await live.hello()];
    const pings: Buffer[] = [];
    alive.socket.on("ping", (data) => pings.push(data));
    await live.time().advance(livePingMs);
    await expect.poll(() => pings.length).toBe(1);
    expect(dead.socket.readyState).toBe(WebSocket.OPEN);
    await live.time().advance(livePingMs);
    expect((await dead.closed).code).toBe(1_006);
    await live.time().advance(3 * livePingMs);
    alive.send({ type: "ping" });
    await alive.next("pong");
  });

  test("that answers no ping but sends frames lives", async () => {
    await live.start();
    const client = await deaf();
    for (let round = 0; round < 5; round += 1) {
      await live.time().advance(livePingMs);
      client.send({ type: "ping" });
      expect(await client.next("pong")).toEqual({ type: "pong" });
    }
  });

  test("that sends a long frame bit by bit, and pongs between, gets error and the close", async () => {
    await live.start();
    const client = await live.hello();
    client.socket.send("x".repeat(100_000), { fin: false });
    for (let round = 0; round < 3; round += 1) {
      await live.time().advance(livePingMs);
      client.socket.send("x", { fin: false });
      client.socket.pong();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect((await client.closed).code).toBe(4_408);
  });

  test("that has ended is looked after no more", async () => {
    await live.start();
    const client = await live.hello();
    expect(live.time().timers).toBeGreaterThan(0);
    client.close();
    await expect.poll(() => live.time().timers).toBe(0);
  });
});

describe("[LIVE-29] a stop", () => {
  test("sends each away with a time of its own, those that have not said hello too", async () => {
    await live.start();
    const clients = await Promise.all(Array.from({ length: 20 }, () => live.hello()));
    const silent = await live.connect();
    const stopping = live.server().stop();
    const waits: (number | undefined)[] = [];
    for (const client of [...clients, silent]) {
      const { problem, retry_after_ms: afterMs } = await client.next("error");
      expect(problem.code).toBe("unavailable");
      waits.push(afterMs);
      expect(await client.closed).toEqual({ code: 1_001, reason: "unavailable" });
    }
    expect(new Set(waits).size).toBeGreaterThan(15);
    await live.time().advance(1_000);
    await stopping;
    await live.start();
  });

  test("lets nobody in any more", async () => {
    await live.start();
    const client = await live.hello();
    const { services, url } = live.server();
    const stopping = live.server().stop();
    expect(services.draining.aborted).toBe(true);
    await expect(fetch(`${url}/v2/live`)).rejects.toThrow("fetch failed");
    expect((await client.closed).code).toBe(1_001);
    await live.time().advance(1_000);
    await stopping;
    await live.start();
  });

  test("finishes the pushes that it has begun, sends their results, and begins no other", async () => {
    await live.start();
    const { store } = live.server();
    const commit = store.push.bind(store);
    const release = Promise.withResolvers<void>();
    let begun = 0;
    store.push = async (request) => {
      begun += 1;
      await release.promise;
      return commit(request);
    };
    const client = await live.hello();
    client.send({ type: "push", id: "1", space: shop, changes: [reading("a", NOW)] });
    client.send({ type: "push", id: "2", space: shop, changes: [reading("b", NOW)] });
    await expect.poll(() => begun).toBe(1);
    const stopping = live.server().stop();
    client.send({ type: "push", id: "3", space: "other", changes: [reading("c", NOW)] });
    await live.time().settle();
    expect(client.socket.readyState).toBe(WebSocket.OPEN);
    release.resolve();
    expect(await client.next("results")).toMatchObject({ id: "1", results: [{ seq: 1 }] });
    expect((await client.next("error")).problem.code).toBe("unavailable");
    expect((await client.closed).code).toBe(1_001);
    expect(begun).toBe(1);
    await live.time().advance(1_000);
    await stopping;
    await live.start();
  });
});
