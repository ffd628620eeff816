import { type IncomingMessage, request } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import { VirtualTime } from "../../testing/virtual-time.ts";
import { startTestServer, type TestServer } from "./http-server.fixture.ts";
import { streamReply } from "./stream-reply.ts";

const STALL_MS = 30_000;
/** More than sockets and their buffers take in. */
const PIECES = 400;
const piece = Buffer.alloc(64 * 1024, "x");

let server: TestServer;
let time: VirtualTime;
afterEach(async () => {
  const stopped = server.server.stop();
  await time.advance(1_000);
  await stopped;
});

/** A route that streams `source`; it says how many pieces were asked for, and when the source was let go. */
const setUp = async (
  source: () => AsyncGenerator<string | Buffer>,
  options: { readonly totalMs?: number } = {},
) => {
  time = new VirtualTime();
  const state = { taken: 0, isOver: false };
  async function* watched(): AsyncGenerator<string | Buffer> {
    try {
      for await (const each of source()) {
        state.taken += 1;
        yield each;
      }
    } finally {
      state.isOver = true;
    }
  }
  server = await startTestServer({
    runtime: time.runtime,
    routes: [
      (app) => {
        app.get("/stream", async (_, reply) => {
          reply.header("x-kept", "yes");
          const contentType = "text/plain; charset=utf-8";
          const { runtime } = time;
          await streamReply(reply, watched(), {
            contentType,
            runtime,
            stallMs: STALL_MS,
            ...options,
          });
          return reply;
        });
      },
    ],
  });
  return state;
};

async function* endless(): AsyncGenerator<Buffer> {
  for (;;) yield piece;
}

async function* many(): AsyncGenerator<Buffer> {
  for (let index = 0; index < PIECES; index += 1) yield piece;
}

const open = (): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    request(`${server.url}/stream`, { agent: false }, (response) => {
      response.on("error", () => {});
      resolve(response);
    })
      .on("error", reject)
      .end();
  });

const closed = (response: IncomingMessage): Promise<"ended" | "cut"> =>
  new Promise((resolve) => {
    response.on("close", () => resolve(response.complete ? "ended" : "cut"));
  });

const bytesOf = async (response: IncomingMessage): Promise<number> => {
  let bytes = 0;
  for await (const chunk of response) bytes += (chunk as Buffer).length;
  return bytes;
};

/** Resolves when the server has come to a halt before its reader: nothing more is taken. */
const halted = async (state: { readonly taken: number }): Promise<void> => {
  for (let before = -1; before !== state.taken || state.taken === 0;) {
    before = state.taken;
    for (let turn = 0; turn < 20; turn += 1) await time.settle();
  }
};

describe("failures", () => {
  test("before the first piece are an error's answer", async () => {
    // oxlint-disable-next-line require-yield -- it fails before
    await setUp(async function* fails() {
      throw new Error("no luck");
    });
    const response = await fetch(`${server.url}/stream`);
    expect(response.status).toBe(500);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
  });

  test("after it cut the connection, so that half an answer does not look whole", async () => {
    const state = await setUp(async function* fails() {
      yield "half";
      await time.settle();
      throw new Error("no luck");
    });
    const response = await open();
    const outcome = closed(response);
    response.resume();
    expect(response.statusCode).toBe(200);
    expect(await outcome).toBe("cut");
    expect(state.isOver).toBe(true);
    expect(server.log().some(({ msg }) => msg === "a streamed answer failed")).toBe(true);
  });
});

describe("what is sent", () => {
  test("is all pieces, in order, with the headers that were set", async () => {
    const state = await setUp(async function* pieces() {
      yield "a";
      yield Buffer.from("é");
      yield "c";
    });
    const response = await fetch(`${server.url}/stream`);
    expect(await response.text()).toBe("aéc");
    expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("x-accel-buffering")).toBe("no");
    expect(response.headers.get("x-kept")).toBe("yes");
    expect(state.isOver).toBe(true);
  });

  test("of nothing is an empty answer", async () => {
    await setUp(async function* nothing() {});
    const response = await fetch(`${server.url}/stream`);
    expect([response.status, await response.text()]).toEqual([200, ""]);
  });
});

describe("a reader that is slow", () => {
  test("[LIVE-12] is waited for: no piece is taken while the last one is unread", async () => {
    const state = await setUp(many);
    const response = await open();
    response.pause();
    await halted(state);
    expect(state.taken).toBeLessThan(PIECES);
    await time.advance(STALL_MS - 1);
    const outcome = closed(response);
    expect(await bytesOf(response)).toBe(PIECES * piece.length);
    expect(await outcome).toBe("ended");
  });

  test("[LIVE-12] is cut after stallMs, and the source is let go", async () => {
    const state = await setUp(endless);
    const response = await open();
    response.pause();
    await halted(state);
    const outcome = closed(response);
    await time.advance(STALL_MS);
    expect(state.isOver).toBe(true);
    response.resume();
    expect(await outcome).toBe("cut");
  });

  test("is given stallMs anew for each piece", async () => {
    const state = await setUp(endless);
    const response = await open();
    response.on("data", () => {});
    for (let round = 0; round < 3; round += 1) {
      response.pause();
      await halted(state);
      await time.advance(STALL_MS - 1);
      const before = state.taken;
      response.resume();
      while (state.taken === before) await time.settle();
    }
    expect(state.isOver).toBe(false);
    response.destroy();
  });

  test("is cut after totalMs, however it reads", async () => {
    const state = await setUp(
      async function* slow() {
        for (;;) {
          yield "tick";
          await new Promise<void>((resolve) => void time.runtime.after(1_000, resolve));
        }
      },
      { totalMs: 5_000 },
    );
    const response = await open();
    response.resume();
    const outcome = closed(response);
    await time.advance(6_000);
    expect(await outcome).toBe("cut");
    expect(state.taken).toBeLessThanOrEqual(6);
    expect(state.isOver).toBe(true);
  });
});

test("a client that leaves has the source let go at the next piece", async () => {
  const state = await setUp(async function* slow() {
    for (;;) {
      yield "tick";
      await new Promise<void>((resolve) => void time.runtime.after(1_000, resolve));
    }
  });
  const response = await open();
  response.destroy();
  for (let turn = 0; turn < 20; turn += 1) await time.settle();
  await time.advance(1_000);
  expect(state.isOver).toBe(true);
});
