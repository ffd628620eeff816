import { beforeEach, describe, expect, test } from "vitest";
import { createManualRuntime, type ManualRuntime } from "../../testing/manual-runtime.ts";
import { type ScriptedSocket, scriptSockets } from "../../testing/scripted-socket.ts";
import { createLiveTransport } from "./live-transport.ts";
import type { GetToken, Page, PullFrom, StreamEnd, Transport } from "./transport.ts";
import { defaultTransportLimits, type TransportLimits } from "./transport-limits.ts";

const from: PullFrom = {
  cursor: "c1",
  ack: "a1",
  collections: ["readings"],
  tombstones: true,
  limit: 7,
};

const limits = defaultTransportLimits;

const record = (key: string) => ({
  collection: "readings",
  key,
  seq: 1,
  updated_at: "2026-11-24T10:00:00Z",
  value: {},
});

const page = (key: string, more = false) => ({
  type: "changes",
  space: "malmo-1",
  cursor: `c-${key}`,
  more,
  changes: [record(key)],
});

const problem = (status: number, code: string) => ({ status, code, title: "", detail: "why" });

const live = (): AbortSignal => new AbortController().signal;

/** What HTTP does, and how often it was asked to. */
type FakeHttp = Transport & { readonly follows: () => number; readonly syncs: () => number };

const fakeHttp = (pages: readonly Page[], end: StreamEnd): FakeHttp => {
  let [follows, syncs] = [0, 0];
  return {
    follows: () => follows,
    syncs: () => syncs,
    sync: async () => {
      syncs += 1;
      return { kind: "unreachable", reason: "by HTTP" };
    },
    pull: () => Promise.reject(new Error("no pull")),
    readPages: () => Promise.reject(new Error("no pages")),
    follow: async (_, onPage) => {
      follows += 1;
      for (const each of pages) await onPage(each);
      return end;
    },
  };
};

const httpWorks = () => fakeHttp([{ cursor: "by-http", changes: [] }], { kind: "ended" });
const httpFails = () => fakeHttp([], { kind: "unreachable", reason: "no route" });

let runtime: ManualRuntime;
beforeEach(() => {
  runtime = createManualRuntime();
});

const setUp = (
  http: FakeHttp,
  options: { readonly getToken?: GetToken; readonly limits?: Partial<TransportLimits> } = {},
) => {
  const { maker, sockets } = scriptSockets();
  const transport = createLiveTransport(http, {
    url: "https://synchro.example/base/",
    space: "malmo-1",
    getToken: async () => null,
    runtime,
    webSocket: maker,
    ...options,
  });
  const follow = (onPage?: (page: Page) => Promise<"go on" | "stop">, signal = live()) => {
    const cursors: (string | null)[] = [];
    const take = async (each: Page): Promise<"go on" | "stop"> => {
      const said = (await onPage?.(each)) ?? "go on";
      cursors.push(each.cursor);
      return said;
    };
    return { cursors, end: transport.follow(from, take, signal) };
  };
  const lastSocket = async (): Promise<ScriptedSocket> => {
    await runtime.advance(0);
    const socket = sockets.at(-1);
    if (socket === undefined) throw new Error("no socket was opened");
    return socket;
  };
  const welcomed = async (): Promise<ScriptedSocket> => {
    const socket = await lastSocket();
    socket.open();
    socket.say({ type: "welcome", now: "2026-11-24T10:00:00Z" });
    return socket;
  };
  return { transport, follow, sockets, lastSocket, welcomed };
};

describe("where no WebSocket gets through, server-sent events do", () => {
  const refusals: readonly (readonly [string, (socket: ScriptedSocket) => unknown])[] = [
    ["is refused", (socket) => socket.end()],
    ["is swallowed by a proxy", () => runtime.advance(limits.socketOpenMs)],
    [
      "opens and stays dumb",
      (socket) => {
        socket.open();
        return runtime.advance(limits.socketOpenMs);
      },
    ],
    [
      "opens and says something else",
      (socket) => {
        socket.open();
        socket.say("<html>");
        socket.end();
      },
    ],
    [
      "does not take the token",
      (socket) => {
        socket.open();
        socket.say({ type: "error", problem: problem(401, "unauthorized") });
        socket.end(4401);
      },
    ],
    [
      "speaks another protocol",
      (socket) => {
        socket.open();
        socket.say({ type: "error", problem: problem(400, "bad_request") });
        socket.end(4400);
      },
    ],
  ];

  test.each(refusals)("[CLIENT-33] one that %s: at once, and for a while", async (_, refuse) => {
    const http = httpWorks();
    const { follow, sockets, lastSocket } = setUp(http);
    const first = follow();
    await refuse(await lastSocket());
    expect(await first.end).toEqual({ kind: "ended" });
    expect(first.cursors).toEqual(["by-http"]);
    await follow().end;
    await runtime.advance(limits.socketRestMs - 1);
    await follow().end;
    expect([http.follows(), sockets.length]).toEqual([3, 1]);
    await runtime.advance(1);
    const later = follow();
    (await lastSocket()).end();
    await later.end;
    expect(sockets).toHaveLength(2);
    expect(runtime.timerCount()).toBe(0);
  });

  test("[CLIENT-33] where those fail too it was the network: the next one is tried at once", async () => {
    const { follow, sockets, lastSocket } = setUp(httpFails());
    for (const count of [1, 2, 3]) {
      const { end } = follow();
      (await lastSocket()).end();
      expect(await end).toEqual({ kind: "unreachable", reason: "no route" });
      expect(sockets).toHaveLength(count);
    }
  });

  test("an address that the platform won't open", async () => {
    const http = httpWorks();
    const transport = createLiveTransport(http, {
      url: "/",
      space: "malmo-1",
      getToken: async () => null,
      runtime,
      webSocket: WebSocket,
    });
    expect(await transport.follow(from, async () => "go on", live())).toEqual({ kind: "ended" });
    expect(http.follows()).toBe(1);
  });

  test("one that is cut soon after it was opened", async () => {
    const { follow, welcomed, sockets } = setUp(httpWorks());
    const { end } = follow();
    const socket = await welcomed();
    await runtime.advance(limits.socketMsMin - 1);
    socket.end();
    expect((await end).kind).toBe("unreachable");
    await follow().end;
    expect(sockets).toHaveLength(1);
  });

  test("one that is cut later is opened again", async () => {
    const { follow, welcomed, sockets, lastSocket } = setUp(httpWorks());
    const { end } = follow();
    const socket = await welcomed();
    await runtime.advance(limits.socketMsMin);
    socket.end();
    expect((await end).kind).toBe("unreachable");
    const again = follow();
    (await lastSocket()).end();
    await again.end;
    expect(sockets).toHaveLength(2);
  });

  test("an app that gives no token in time", async () => {
    const http = httpWorks();
    const { follow, sockets } = setUp(http, { getToken: () => new Promise(() => {}) });
    const { end } = follow();
    await runtime.advance(limits.tokenMs);
    expect(await end).toEqual({ kind: "ended" });
    expect([http.follows(), sockets.length]).toEqual([1, 0]);
  });

  test("nothing is opened for a signal that was aborted before", async () => {
    const http = httpWorks();
    const { follow, sockets } = setUp(http);
    expect(await follow(undefined, AbortSignal.abort()).end).toEqual({ kind: "stopped" });
    expect([http.follows(), sockets.length]).toEqual([0, 0]);
  });
});

describe("a server's word", () => {
  test("[CLIENT-33] one that has no place left is left alone for as long as it says, by every way", async () => {
    const http = httpWorks();
    const { follow, lastSocket } = setUp(http);
    const { end } = follow();
    const socket = await lastSocket();
    socket.open();
    socket.say({ type: "error", retry_after_ms: 7312, problem: problem(503, "unavailable") });
    socket.end(4503);
    expect(await end).toEqual({ kind: "busy", code: "unavailable", retryAfterMs: 7312 });
    expect(http.follows()).toBe(0);
  });

  test.each([
    [503, "unavailable", { kind: "busy", code: "unavailable", retryAfterMs: null }],
    [403, "forbidden", { kind: "forbidden" }],
    [404, "not_found", { kind: "hidden" }],
    [400, "undeclared_collection", { kind: "refused", status: 400, detail: "why" }],
    [500, "internal", { kind: "unreachable" }],
    // Whatever comes next by HTTP asks the app for a new token.
    [401, "unauthorized", { kind: "ended" }],
  ])("a subscription that ends with %d %s", async (status, code, end) => {
    const { follow, welcomed } = setUp(httpWorks());
    const stream = follow();
    const socket = await welcomed();
    socket.say({ type: "error", id: socket.sent[1]?.["id"], problem: problem(status, code) });
    expect(await stream.end).toMatchObject(end);
    expect(socket.isClosed).toBe(true);
  });

  test.each([
    ["not JSON", "{"],
    ["no object", "[]"],
    ["a page without a cursor", JSON.stringify({ ...page("a"), cursor: undefined })],
    ["a page with a broken record", JSON.stringify({ ...page("a"), changes: [{}] })],
    ["an error that tells none", JSON.stringify({ type: "error", problem: {} })],
  ])("%s is not Synchro's", async (_, text) => {
    const { follow, welcomed } = setUp(httpWorks());
    const { end, cursors } = follow();
    (await welcomed()).say(text);
    expect(await end).toEqual({ kind: "unreachable", reason: "not an answer of Synchro" });
    expect(cursors).toEqual([]);
  });

  test("a frame of bytes is not Synchro's, and frames of other kinds mean nothing", async () => {
    const { follow, welcomed } = setUp(httpWorks());
    const { end, cursors } = follow();
    const socket = await welcomed();
    socket.say({ type: "weather", sun: true });
    socket.say({ ...page("elsewhere"), space: "malmo-2" });
    socket.say({ type: "results", id: "unheard-of" });
    socket.say({ type: "error", id: "unheard-of", problem: problem(404, "not_found") });
    socket.say(page("a"));
    await runtime.advance(0);
    socket.sayBytes(Uint8Array.of(1));
    expect((await end).kind).toBe("unreachable");
    expect(cursors).toEqual(["c-a"]);
  });

  test.each([1000, 1001])("a close with %d is the end in good order", async (code) => {
    const { follow, welcomed } = setUp(httpWorks());
    const { end } = follow();
    (await welcomed()).end(code);
    expect(await end).toEqual({ kind: "ended" });
  });
});

describe("silence", () => {
  test("[CLIENT-34] a line that is dead at the other end is noticed", async () => {
    const { follow, welcomed } = setUp(httpWorks());
    const { end, cursors } = follow();
    const socket = await welcomed();
    socket.say(page("a"));
    await runtime.advance(limits.socketPingMs);
    expect(socket.sent.at(-1)).toEqual({ type: "ping" });
    await runtime.advance(limits.socketPingMs);
    expect(await end).toEqual({ kind: "unreachable", reason: "the connection fell silent" });
    expect([cursors, socket.isClosed]).toEqual([["c-a"], true]);
    expect(runtime.timerCount()).toBe(0);
  });

  test("an answer to each ping keeps a quiet line open, also while a page is being saved", async () => {
    const { follow, welcomed } = setUp(httpWorks());
    const stop = new AbortController();
    void follow(() => new Promise(() => {}), stop.signal);
    const socket = await welcomed();
    socket.say(page("a"));
    for (let beat = 0; beat < 20; beat += 1) {
      await runtime.advance(limits.socketPingMs);
      socket.say({ type: "pong" });
    }
    expect(socket.isClosed).toBe(false);
    stop.abort();
    expect(socket.isClosed).toBe(true);
  });
});

describe("what comes faster than it is saved", () => {
  test("[CLIENT-35] is given up past a bound, and nothing of it is handed over: it is read again", async () => {
    const gate = Promise.withResolvers<"go on">();
    const { follow, welcomed } = setUp(httpWorks(), { limits: { socketQueueCharsMax: 1_000 } });
    const { end, cursors } = follow(() => gate.promise);
    const socket = await welcomed();
    socket.say(page("a"));
    await runtime.advance(0);
    for (let index = 0; index < 20; index += 1) socket.say(page(`later-${index}`));
    expect(socket.isClosed).toBe(true);
    gate.resolve("go on");
    expect(await end).toEqual({ kind: "ended" });
    expect(cursors).toEqual(["c-a"]);
  });

  test("[CLIENT-35] pages wait for one another, one of any size too, and come in their order", async () => {
    const { follow, welcomed } = setUp(httpWorks(), { limits: { socketQueueCharsMax: 1_000 } });
    let running = 0;
    const { end, cursors } = follow(async () => {
      running += 1;
      expect(running).toBe(1);
      await new Promise<void>((resolve) => void runtime.after(10, resolve));
      running -= 1;
      return "go on";
    });
    const socket = await welcomed();
    socket.say({ ...page("long"), note: "x".repeat(5_000) });
    await runtime.advance(10);
    for (const key of ["a", "b", "c"]) socket.say(page(key, true));
    socket.end(1000);
    await runtime.advance(100);
    expect(await end).toEqual({ kind: "ended" });
    expect(cursors).toEqual(["c-long", "c-a", "c-b", "c-c"]);
  });

  test("a handler that says stop, or fails, closes the line", async () => {
    const { follow, welcomed } = setUp(httpWorks());
    const stopped = follow(async () => "stop");
    const first = await welcomed();
    first.say(page("a"));
    first.say(page("b"));
    expect(await stopped.end).toEqual({ kind: "stopped" });
    expect([stopped.cursors, first.isClosed]).toEqual([["c-a"], true]);
    const failed = follow(() => Promise.reject(new Error("the disk is full")));
    const second = await welcomed();
    second.say(page("a"));
    await expect(failed.end).rejects.toThrow("disk");
    expect(second.isClosed).toBe(true);
  });

  test("after the signal no page is handed over", async () => {
    const { follow, welcomed } = setUp(httpWorks());
    const stop = new AbortController();
    const { end, cursors } = follow(undefined, stop.signal);
    const socket = await welcomed();
    socket.say(page("a"));
    await runtime.advance(0);
    socket.say(page("b"));
    stop.abort();
    expect(await end).toEqual({ kind: "stopped" });
    expect(cursors).toEqual(["c-a"]);
  });
});

describe("the beginning", () => {
  test("says who it is and what it follows, without waiting in between, and no token in the address", async () => {
    const { follow, lastSocket } = setUp(httpWorks(), { getToken: async () => "secret" });
    void follow();
    const socket = await lastSocket();
    expect([socket.url, socket.protocol]).toEqual([
      "wss://synchro.example/base/v2/live",
      "synchro.v2",
    ]);
    expect(socket.sent).toEqual([]);
    socket.open();
    expect(socket.sent).toEqual([
      { type: "hello", protocol: 2, token: "secret" },
      { type: "subscribe", id: "s", space: "malmo-1", ...from },
    ]);
  });

  test("a token that no header could carry is not sent", async () => {
    const http = httpWorks();
    const { follow, sockets } = setUp(http, { getToken: async () => "two words" });
    expect(await follow().end).toEqual({ kind: "ended" });
    expect([http.follows(), sockets.length]).toEqual([1, 0]);
  });

  test("a new token of the app is handed over, in place, and once", async () => {
    let token = "first";
    const { follow, welcomed } = setUp(httpWorks(), { getToken: async () => token });
    void follow();
    const socket = await welcomed();
    const beat = async (): Promise<void> => {
      await runtime.advance(limits.socketPingMs);
      socket.say({ type: "pong" });
    };
    await beat();
    token = "second";
    await beat();
    await beat();
    const tokens = socket.sent.filter(({ type }) => type === "token");
    expect(tokens).toEqual([{ type: "token", token: "second" }]);
    expect(socket.isClosed).toBe(false);
  });
});

describe("pushes", () => {
  const body = '{"client_id":"c_1","pull":false,"cursor":"c1","changes":[{"note":1e0}]}';
  const results = (id: unknown) => ({
    type: "results",
    id,
    ack: "a2",
    now: "2026-11-24T10:00:00Z",
    results: [{ seq: 2 }],
    changes: [],
  });

  test("go over the line while it is open, each answered by its own name", async () => {
    const http = httpWorks();
    const { transport, follow, welcomed } = setUp(http);
    void follow();
    const socket = await welcomed();
    const [first, second] = [transport.push?.(body, live()), transport.push?.(body, live())];
    const [one, two] = socket.sent.slice(-2);
    expect(one).toMatchObject({ type: "push", space: "malmo-1", client_id: "c_1" });
    expect(one?.["id"]).not.toBe(two?.["id"]);
    socket.say({ type: "error", id: two?.["id"], problem: problem(403, "forbidden") });
    socket.say(results(one?.["id"]));
    expect(await first).toMatchObject({ kind: "answered", answer: { ack: "a2" } });
    expect(await second).toEqual({ kind: "forbidden" });
    expect(http.syncs()).toBe(0);
    expect(socket.isClosed).toBe(false);
  });

  test("[CLIENT-34] have no answer where the line is cut, the time is over, or the caller stops", async () => {
    const { transport, follow, welcomed } = setUp(httpWorks());
    const { end } = follow();
    const socket = await welcomed();
    const stop = new AbortController();
    const stopped = transport.push?.(body, stop.signal);
    stop.abort();
    expect((await stopped)?.kind).toBe("unreachable");
    const slow = transport.push?.(body, live());
    for (let ms = 0; ms < limits.answerMs; ms += 20_000) {
      await runtime.advance(20_000);
      socket.say({ type: "pong" });
    }
    expect((await slow)?.kind).toBe("unreachable");
    const cut = transport.push?.(body, live());
    socket.end();
    expect((await cut)?.kind).toBe("unreachable");
    await end;
    expect(runtime.timerCount()).toBe(0);
  });

  test.each([1009, 4413])("one that is too much for a frame (%d) goes by HTTP", async (code) => {
    const http = httpWorks();
    const { transport, follow, welcomed } = setUp(http);
    const { end } = follow();
    const socket = await welcomed();
    const pushed = transport.push?.(body, live());
    socket.end(code);
    expect(await pushed).toEqual({ kind: "unreachable", reason: "by HTTP" });
    expect(http.syncs()).toBe(1);
    expect((await end).kind).toBe("unreachable");
  });

  test("results that can't be read are no answer", async () => {
    const { transport, follow, welcomed } = setUp(httpWorks());
    void follow();
    const socket = await welcomed();
    const pushed = transport.push?.(body, live());
    socket.say({ ...results(socket.sent.at(-1)?.["id"]), results: [{ yes: true }] });
    expect((await pushed)?.kind).toBe("unreachable");
  });

  test("go by HTTP before it is open, after, where they are long, and where a new token is needed", async () => {
    const http = httpWorks();
    const { transport, follow, lastSocket, welcomed } = setUp(http);
    await transport.push?.(body, live());
    const { end } = follow();
    await lastSocket();
    await transport.push?.(body, live());
    expect(http.syncs()).toBe(2);
    const socket = await welcomed();
    await transport.push?.(body.padEnd(limits.socketPushCharsMax + 1), live());
    expect(http.syncs()).toBe(3);
    socket.say({ type: "welcome", frame_bytes_max: 3 * body.length });
    await transport.push?.(body, live());
    expect(http.syncs()).toBe(4);
    socket.say({ type: "welcome", frame_bytes_max: 4096 });
    const refused = transport.push?.(body, live());
    const { id } = socket.sent.at(-1) ?? {};
    socket.say({ type: "error", id, problem: problem(401, "unauthorized") });
    await refused;
    expect(http.syncs()).toBe(5);
    socket.end(1000);
    await end;
    await transport.push?.(body, live());
    expect(http.syncs()).toBe(6);
  });
});
