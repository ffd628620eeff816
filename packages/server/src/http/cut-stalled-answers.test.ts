import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { startTestServer, type TestServer } from "./http-server.fixture.ts";

/** More than the sockets between take in. */
const ANSWER_BYTES = 16 * 1024 * 1024;
const STALL_MS = 300;

let server: TestServer;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server.server.force();
  await server.server.stop();
});

const start = async (): Promise<void> => {
  const body = JSON.stringify("x".repeat(ANSWER_BYTES));
  server = await startTestServer({
    limits: { streamStallMs: STALL_MS },
    routes: [
      (app) => {
        app.get("/large", (_, reply) =>
          reply.header("content-type", "application/json").send(body),
        );
        app.get("/small", () => ({ small: true }));
      },
    ],
  });
};

const ask = (path: string): Socket => {
  const socket = connect(server.port, "127.0.0.1");
  sockets.push(socket);
  socket.on("error", () => {});
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  return socket;
};

describe("[LIVE-12] a client that takes nothing of an answer", () => {
  test("is cut after streamStallMs", async () => {
    await start();
    const socket = ask("/large");
    socket.pause();
    const requests = (): readonly unknown[] =>
      server.log().filter(({ msg, route }) => msg === "request" && route === "/large");
    const began = performance.now();
    while (requests().length === 0) await delay(10);
    expect(performance.now() - began).toBeGreaterThanOrEqual(STALL_MS - 50);
    let bytes = 0;
    socket.on("data", (chunk: Buffer) => (bytes += chunk.length));
    socket.resume();
    await once(socket, "close");
    expect(bytes).toBeLessThan(ANSWER_BYTES);
  });

  test("is let be if it takes a little now and then", async () => {
    await start();
    const socket = ask("/large");
    let bytes = 0;
    socket.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      socket.pause();
    });
    // So slowly that the whole takes several times as long as one may take nothing.
    const reader = setInterval(() => socket.resume(), 5);
    const began = performance.now();
    // oxlint-disable-next-line no-unmodified-loop-condition -- the reader above counts
    while (bytes < ANSWER_BYTES && !socket.destroyed) await delay(20);
    clearInterval(reader);
    expect(bytes).toBeGreaterThan(ANSWER_BYTES);
    expect(performance.now() - began).toBeGreaterThan(STALL_MS * 2);
  });

  test("keeps its connection once it has taken all, and may be idle on it for longer", async () => {
    await start();
    const socket = ask("/small");
    await once(socket, "data");
    await delay(STALL_MS * 3);
    socket.write("GET /small HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer.toString()).toContain("200 OK");
  });
});
