import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { Runtime } from "@synchro/core";
import { systemRuntime } from "../system-runtime.ts";
import { startTestServer } from "./http-server.fixture.ts";

/** A promise and what settles it. */
const gate = () => Promise.withResolvers<void>();

describe("[LIVE-15] a stop", () => {
  test("finishes the request that it has begun, and begins no other", async () => {
    const begun = gate();
    const finish = gate();
    const server = await startTestServer({
      routes: [
        (app) => {
          app.get("/slow", async () => {
            begun.resolve();
            await finish.promise;
            return { done: true };
          });
        },
      ],
    });
    const answer = fetch(`${server.url}/slow`);
    await begun.promise;
    let isStopped = false;
    const stop = server.server.stop().then((outcome) => {
      isStopped = true;
      return outcome;
    });
    expect(server.draining.signal.aborted).toBe(true);
    await expect(
      fetch(`${server.url}/healthz`, { headers: { connection: "close" } }),
    ).rejects.toThrow("fetch failed");
    expect(isStopped).toBe(false);
    finish.resolve();
    const response = await answer;
    expect(await response.json()).toEqual({ done: true });
    expect(await stop).toBe("finished");
    expect(await server.server.stop()).toBe("finished");
  });

  test("serves what was sent behind such a request on its connection, and closes that then", async () => {
    const begun = gate();
    const finish = gate();
    const server = await startTestServer({
      routes: [
        (app) => {
          app.get("/slow", async () => {
            begun.resolve();
            await finish.promise;
            return { done: true };
          });
          app.get("/quick", () => ({ quick: true }));
        },
      ],
    });
    const socket = connect(server.port, "127.0.0.1").setEncoding("latin1");
    let text = "";
    socket.on("data", (chunk: string) => (text += chunk));
    const closed = once(socket, "close");
    socket.write("GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await begun.promise;
    const stop = server.server.stop();
    socket.write("GET /quick HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await sleep(100);
    finish.resolve();
    await closed;
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 200"]);
    expect(text).toContain('{"quick":true}');
    expect(await stop).toBe("finished");
  });

  test("does not wait for connections that ask nothing", async () => {
    const server = await startTestServer();
    const idle = connect(server.port, "127.0.0.1").on("error", () => {});
    await new Promise<void>((resolve) => idle.once("connect", () => resolve()));
    await (await fetch(`${server.url}/healthz`)).text();
    const startedAt = performance.now();
    expect(await server.server.stop()).toBe("finished");
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    idle.destroy();
  });

  test("tells streams, and closes their connections when they have ended", async () => {
    const server = await startTestServer({
      routes: [
        (app) => {
          app.get("/stream", (_, reply) => {
            reply.hijack();
            reply.raw.writeHead(200, { "content-type": "text/event-stream" });
            reply.raw.write("data: 1\n\n");
            server.draining.signal.addEventListener("abort", () => reply.raw.end("data: last\n\n"));
          });
        },
      ],
    });
    const response = await fetch(`${server.url}/stream`);
    const text = response.text();
    const startedAt = performance.now();
    expect(await server.server.stop()).toBe("finished");
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    expect(await text).toBe("data: 1\n\ndata: last\n\n");
  });

  test("cuts after 10 seconds what will not end", async () => {
    const delays: number[] = [];
    const runtime: Runtime = {
      ...systemRuntime,
      after: (delayMs, task) => {
        delays.push(delayMs);
        return systemRuntime.after(delayMs / 50, task);
      },
    };
    const begun = gate();
    const server = await startTestServer({
      runtime,
      routes: [
        (app) => {
          app.get("/never", () => {
            begun.resolve();
            return new Promise(() => {});
          });
        },
      ],
    });
    const answer = fetch(`${server.url}/never`).then(
      () => "answered",
      () => "cut",
    );
    await begun.promise;
    expect(await server.server.stop()).toBe("cut");
    expect(await answer).toBe("cut");
    expect(delays).toContain(10_000);
  });

  test("that is forced cuts what is left, and says so", async () => {
    const begun = gate();
    const server = await startTestServer({
      routes: [
        (app) => {
          app.get("/never", () => {
            begun.resolve();
            return new Promise(() => {});
          });
        },
      ],
    });
    const answer = fetch(`${server.url}/never`).then(
      () => "answered",
      () => "cut",
    );
    await begun.promise;
    const stop = server.server.stop();
    server.server.force();
    expect(await stop).toBe("cut");
    expect(await answer).toBe("cut");
  });

  test("is told by /readyz to whoever still has a connection", async () => {
    const server = await startTestServer({ drainDelayMs: 200 });
    const stop = server.server.stop();
    const response = await fetch(`${server.url}/readyz`);
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({
      status: "not_ready",
      reasons: ["the server is stopping"],
    });
    expect(server.draining.signal.aborted).toBe(false);
    await stop;
    expect(server.draining.signal.aborted).toBe(true);
  });

  test("goes on serving, new connections too, for as long as a load balancer may take to notice", async () => {
    const server = await startTestServer({ drainDelayMs: 400 });
    const startedAt = performance.now();
    const stop = server.server.stop();
    while (performance.now() - startedAt < 300) {
      const headers = { connection: "close" };
      expect((await fetch(`${server.url}/healthz`, { headers })).status).toBe(200);
      expect((await fetch(`${server.url}/readyz`, { headers })).status).toBe(503);
      expect(server.draining.signal.aborted).toBe(false);
      await sleep(20);
    }
    expect(await stop).toBe("finished");
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(400);
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow("fetch failed");
  });

  test("that is forced waits for no load balancer either", async () => {
    const server = await startTestServer({ drainDelayMs: 20_000 });
    const startedAt = performance.now();
    const stop = server.server.stop();
    server.server.force();
    expect(await stop).toBe("cut");
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });
});
