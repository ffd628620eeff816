import type { SpaceId } from "@synchro/core";
import { defaultLimits } from "@synchro/protocol";
import { describe, expect, test } from "vitest";
import type { FrameOf, LiveClient } from "../../../../testing/live-client.ts";
import { useLiveServer } from "../../../../testing/live-server.ts";
import { push, reading, shop } from "../../../../testing/v2-requests.ts";

const live = useLiveServer();

const NOW = "2026-11-24T10:00:00Z";
const MIB = 1024 * 1024;
const { streamStallMs } = defaultLimits;
const text = "x".repeat(200_000);

/** Records of 200 KB each, in requests that a body holds. */
const flood = async (count: number, space = shop): Promise<void> => {
  for (let index = 0; index < count; index += 10) {
    const changes = Array.from({ length: Math.min(10, count - index) }, (_, of) =>
      reading(`k${index + of}`, NOW, { value: { expiration_date: "2026-12-01", text } }),
    );
    await push(live.server(), changes, space);
  }
};

const subscribe = async (client: LiveClient, space = shop): Promise<FrameOf<"changes">> => {
  client.send({ type: "subscribe", id: space, space });
  await client.next("subscribed");
  return client.next("changes");
};

/** Bytes that the server's sockets hold, as its metrics tell. */
const bufferedBytes = async (): Promise<number> => {
  const metrics = await (await fetch(`${live.server().url}/metrics`)).text();
  return Number(/^synchro_buffered_bytes (\d+)$/m.exec(metrics)?.[1]);
};

describe("[LIVE-23] a subscriber that does not read", () => {
  test("holds one page, is read for no further, and goes on from its own place", async () => {
    await live.start();
    const client = await live.hello();
    await subscribe(client);
    client.socket.pause();
    const pulls = live.countPulls();
    await flood(120);
    // 120 frames of 200 KB: the system's buffers take a few of them.
    const held = await bufferedBytes();
    expect(held).toBeLessThan(MIB);
    const readFor = pulls();
    expect(readFor).toBeLessThan(120);
    await push(live.server(), [reading("last", NOW)]);
    await live.time().settle();
    expect(pulls()).toBe(readFor);
    client.socket.resume();
    const keys = new Set<string>();
    while (!keys.has("last")) {
      for (const { key } of (await client.next("changes")).changes) keys.add(key);
    }
    expect(keys.size).toBe(121);
  }, 60_000);

  test("of many spaces holds one page for all of them, and gets all in the end", async () => {
    await live.start();
    const spaces = Array.from({ length: 20 }, (_, index) => `shop-${index}`);
    for (const space of spaces) await flood(10, space);
    const client = await live.hello();
    client.socket.pause();
    for (const space of spaces) client.send({ type: "subscribe", id: space, space });
    const pulls = live.countPulls();
    await expect.poll(() => pulls()).toBeGreaterThan(0);
    await live.time().settle();
    expect(await bufferedBytes()).toBeLessThan(MIB);
    client.socket.resume();
    const keys = new Set<string>();
    while (keys.size < 200) {
      const frame = JSON.parse(await client.nextText()) as FrameOf<"changes">;
      if (frame.type !== "changes") continue;
      for (const { key } of frame.changes) keys.add(`${frame.space} ${key}`);
    }
    // A page may have been read twice where the connection was full as it came, but not each.
    expect(pulls()).toBeLessThan(20 * 10 * 2);
  }, 60_000);

  test("gets frames while others of its connection are committed to, and misses none", async () => {
    await live.start();
    const client = await live.hello();
    const spaces = ["a", "b", "c"];
    for (const space of spaces) await subscribe(client, space);
    client.socket.pause();
    for (const space of spaces) await flood(20, space);
    client.socket.resume();
    const seen = new Map(spaces.map((space) => [space, new Set<string>()]));
    while ([...seen.values()].some(({ size }) => size < 20)) {
      const frame = await client.next("changes");
      for (const { key } of frame.changes) seen.get(frame.space)?.add(key);
    }
    expect(Array.from(seen.values(), ({ size }) => size)).toEqual([20, 20, 20]);
  }, 60_000);
});

describe("[LIVE-24] results that are not taken", () => {
  test("are not dropped, and stop further pushes from being read", async () => {
    await live.start();
    await flood(10);
    const client = await live.hello();
    client.socket.pause();
    // Each of them loses, so that its answer holds 2 MB.
    const older = Array.from({ length: 10 }, (_, of) => reading(`k${of}`, "2026-11-24T09:00:00Z"));
    let pushes = 0;
    const { store } = live.server();
    const commit = store.push.bind(store);
    store.push = (request) => {
      pushes += 1;
      return commit(request);
    };
    for (let id = 0; id < 30; id += 1) {
      client.send({ type: "push", id: String(id), space: shop, changes: older });
    }
    await expect.poll(() => bufferedBytes()).toBeGreaterThan(MIB);
    await live.time().settle();
    const done = pushes;
    expect(done).toBeLessThan(10);
    expect(await bufferedBytes()).toBeLessThan(12 * MIB);
    client.socket.resume();
    for (let id = 0; id < 30; id += 1) {
      const results = await client.next("results");
      expect([results.id, results.changes.length]).toEqual([String(id), 10]);
    }
  }, 60_000);
});

describe("[LIVE-25] a connection that takes nothing", () => {
  test("for streamStallMs is cut, whatever it goes on sending; one that reads is not", async () => {
    await live.start({ limits: { livePingMs: 600_000 } });
    const [stalled, reader] = [await live.hello(), await live.hello()];
    await subscribe(stalled, "other");
    await subscribe(reader);
    stalled.socket.pause();
    await flood(60, "other");
    await flood(60);
    const keys = new Set<string>();
    while (keys.size < 60) {
      for (const { key } of (await reader.next("changes")).changes) keys.add(key);
    }
    const { hub } = live.server().services;
    const other = "other" as SpaceId;
    await expect.poll(() => bufferedBytes()).toBeGreaterThan(0);
    for (let part = 1; part < 10; part += 1) {
      stalled.send({ type: "ping" });
      await live.time().advance(streamStallMs / 10);
      expect(hub.isWatched(other)).toBe(true);
    }
    await live.time().advance(streamStallMs / 10);
    await expect.poll(() => hub.isWatched(other)).toBe(false);
    stalled.socket.resume();
    expect((await stalled.closed).code).toBe(1_006);
    reader.send({ type: "ping" });
    expect(await reader.nextText()).toBeDefined();
    expect(hub.isWatched(shop as SpaceId)).toBe(true);
  }, 60_000);

  test("that floods it with pings and takes no pong is cut", async () => {
    await live.start();
    const client = await live.hello();
    client.socket.pause();
    for (let count = 0; count < 10_000; count += 1) client.socket.ping("x".repeat(100));
    expect((await client.closed).code).toBe(1_006);
    expect(await bufferedBytes()).toBe(0);
  }, 60_000);
});
