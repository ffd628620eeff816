import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { useLiveServer } from "../../../../testing/live-server.ts";
import { push, reading, shop } from "../../../../testing/v2-requests.ts";
import { systemRuntime } from "../../../system-runtime.ts";
import { createLiveDoor } from "./live-door.ts";

const live = useLiveServer();

const NOW = "2026-11-24T10:00:00Z";
const KIB = 1024;
const READERS = 1_000;
const RECORDS = 60;
const RECORD_BYTES = 50 * KIB;
const PAGE_BYTES = 64 * KIB;

/** The same door on a local socket: the system takes 200 KB of each there, and not some megabytes. */
const listenLocally = async () => {
  const folder = mkdtempSync(join(tmpdir(), "synchro-live-"));
  const path = join(folder, "live.sock");
  const door = createLiveDoor(live.server().services, {
    corsOrigins: [],
    logger: pino({ level: "silent" }),
  });
  const shouldUpgradeCallback = (request: IncomingMessage): boolean =>
    door.upgrades.accepts(request);
  const server = createServer({ shouldUpgradeCallback });
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => sockets.add(socket));
  server.on("upgrade", door.upgrades.take);
  server.listen(path);
  await once(server, "listening");
  return {
    address: `ws+unix:${path}:/v2/live`,
    /** Bytes that were written to all of them and not taken. */
    buffered: (): readonly number[] => [...sockets].map(({ writableLength }) => writableLength),
    close: async (): Promise<void> => {
      door.upgrades.cut();
      server.close();
      await once(server, "close");
      rmSync(folder, { recursive: true });
    },
  };
};

const sum = (figures: readonly number[]): number => figures.reduce((a, b) => a + b, 0);

/** Subscribes and takes nothing of what comes for it. */
const stall = async (address: string): Promise<WebSocket> => {
  const socket = new WebSocket(address, ["synchro.v2"]);
  await once(socket, "open");
  socket.pause();
  socket.send(JSON.stringify({ type: "hello", protocol: 2 }));
  socket.send(JSON.stringify({ type: "subscribe", id: "1", space: shop }));
  return socket;
};

const untilSteady = async (value: () => number): Promise<void> => {
  for (let before = -1; before !== value();) {
    before = value();
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
};

test("[LIVE-23] 1,000 stalled readers of a space hold a page each, whatever is committed, and lose nothing", async () => {
  await live.start({
    runtime: systemRuntime,
    limits: { streamPageBytesMax: PAGE_BYTES, requestsBurst: 10_000 },
  });
  const value = { expiration_date: "2026-12-01", text: "x".repeat(RECORD_BYTES) };
  for (let index = 0; index < RECORDS; index += 20) {
    const changes = Array.from({ length: 20 }, (_, of) =>
      reading(`k${index + of}`, NOW, { value }),
    );
    await push(live.server(), changes);
  }
  const local = await listenLocally();
  const before = process.memoryUsage();
  const readers: WebSocket[] = [];
  for (let count = 0; count < READERS; count += 50) {
    readers.push(...(await Promise.all(Array.from({ length: 50 }, () => stall(local.address)))));
  }
  const pulls = live.countPulls();
  await untilSteady(pulls);
  const held = local.buffered();
  const mostOfOne = 64 * KIB + PAGE_BYTES + RECORD_BYTES + KIB;
  expect(Math.max(...held)).toBeLessThan(mostOfOne);
  // They are stalled indeed: what they lack is 3 MB each.
  expect(held.filter((bytes) => bytes > 0)).toHaveLength(READERS);
  const settled = pulls();
  for (let count = 0; count < 20; count += 1) {
    await push(live.server(), [reading(`late-${count}`, NOW, { value })]);
  }
  await untilSteady(pulls);
  expect(pulls()).toBe(settled);
  // Pings may have joined it.
  expect(sum(local.buffered())).toBeLessThan(sum(held) + READERS * 10);
  const grownBy = process.memoryUsage().rss - before.rss;
  expect(grownBy).toBeLessThan(READERS * 2 * mostOfOne);
  await Promise.all(
    readers.slice(0, 20).map(async (socket) => {
      const keys = new Set<string>();
      socket.on("message", (data) => {
        const { changes = [] } = JSON.parse((data as Buffer).toString()) as {
          readonly changes?: readonly { readonly key: string }[];
        };
        for (const { key } of changes) keys.add(key);
      });
      socket.resume();
      await expect.poll(() => keys.size, { timeout: 30_000 }).toBe(RECORDS + 20);
    }),
  );
  for (const socket of readers) socket.terminate();
  await local.close();
}, 120_000);
