import { setImmediate } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { rawAnswer, type RawServer, startRawServer } from "../../testing/raw-server.ts";
import { webRuntime } from "../runtime/web-runtime.ts";
import { createHttpTransport } from "./http-transport.ts";
import type { Page, PullFrom, Transport } from "./transport.ts";
import type { TransportLimits } from "./transport-limits.ts";

const from: PullFrom = {
  cursor: null,
  ack: null,
  collections: null,
  tombstones: false,
  limit: null,
};

const record = (key: string, seq: number) => ({
  collection: "readings",
  key,
  seq,
  updated_at: "2026-11-24T10:00:00Z",
  value: { note: "é😀\n" },
});
const digest = { at: 3, collections: { readings: { count: 3, sum: "9f3c5a0e1b2d4c68" } } };

const syncAnswer = {
  cursor: "c3",
  ack: "a3",
  more: false,
  now: "2026-11-24T10:01:02.123456Z",
  results: [{ seq: 3 }, { superseded: 2 }],
  changes: [record("é😀", 2)],
  digest,
};
const pullAnswer = { cursor: "c3", more: true, now: syncAnswer.now, changes: [record("a", 1)] };

const pages: readonly Page[] = [
  { reset: "offer", cursor: "c1", changes: [record("é", 1)] },
  { cursor: "c2", changes: [record("😀", 2)] },
  { cursor: "c3", changes: [record("c", 3)], more: false, digest },
] as const;
const lines = [
  { reset: "offer" },
  record("é", 1),
  { cursor: "c1" },
  record("😀", 2),
  { cursor: "c2" },
  record("c", 3),
  { cursor: "c3", more: false, digest },
];
const ndjson = lines.map((line) => `${JSON.stringify(line)}\n`).join("");

const events: readonly Page[] = [
  { cursor: "c1", more: true, reset: "drop", changes: [record("é", 1)] },
  { cursor: "c2", more: false, changes: [record("😀", 2)], digest },
] as const;
const eventStream = `: hello\n\n${events
  .map((event) => `event: changes\nid: ${event.cursor}\ndata: ${JSON.stringify(event)}\n\n`)
  .join(": alive\n")}event: other\ndata: not for us\n\n`;

const live = (): AbortSignal => new AbortController().signal;

let server: RawServer | null = null;
afterEach(async () => {
  await server?.stop();
  server = null;
});

const open = async (
  answer: Parameters<typeof startRawServer>[0],
  limits: Partial<TransportLimits> = {},
): Promise<Transport> => {
  server = await startRawServer(answer);
  const getToken = async (): Promise<null> => null;
  return createHttpTransport({
    url: server.url,
    space: "s",
    getToken,
    runtime: webRuntime,
    limits,
  });
};

type Outcome = { readonly kind: string; readonly whole: unknown; readonly pages: readonly Page[] };

/** What came of one request, in any of the forms. */
const requests = {
  sync: async (transport) => {
    const reply = await transport.sync("{}", live());
    return { kind: reply.kind, whole: "answer" in reply ? reply.answer : null, pages: [] };
  },
  pull: async (transport) => {
    const reply = await transport.pull(from, null, live());
    return { kind: reply.kind, whole: "answer" in reply ? reply.answer : null, pages: [] };
  },
  readPages: async (transport) => {
    const seen: Page[] = [];
    const onPage = async (page: Page): Promise<"go on"> => {
      seen.push(page);
      return "go on";
    };
    const { kind } = await transport.readPages(from, onPage, live());
    return { kind, whole: null, pages: seen };
  },
  follow: async (transport) => {
    const seen: Page[] = [];
    const onPage = async (page: Page): Promise<"go on"> => {
      seen.push(page);
      return "go on";
    };
    const { kind } = await transport.follow(from, onPage, live());
    return { kind, whole: null, pages: seen };
  },
} as const satisfies { [name: string]: (transport: Transport) => Promise<Outcome> };

type Case = {
  readonly method: keyof typeof requests;
  readonly type: string;
  readonly body: string;
  readonly whole: Outcome;
};

const cases: readonly Case[] = [
  {
    method: "sync",
    type: "application/json; charset=utf-8",
    body: JSON.stringify(syncAnswer),
    whole: { kind: "answered", whole: syncAnswer, pages: [] },
  },
  {
    method: "pull",
    type: "application/json",
    body: JSON.stringify(pullAnswer),
    whole: { kind: "answered", whole: pullAnswer, pages: [] },
  },
  {
    method: "readPages",
    type: "application/x-ndjson",
    body: ndjson,
    whole: { kind: "ended", whole: null, pages },
  },
  {
    method: "follow",
    type: "text/event-stream",
    body: eventStream,
    whole: { kind: "ended", whole: null, pages: events },
  },
];

const framings = ["length", "chunked", "close"] as const;
const everyCase = cases.flatMap((each) => framings.map((framing) => ({ ...each, framing })));

/** A cut connection is reset, or, as a proxy does it, closed in good order. */
const cuts = [
  ...cases.map((each) => ({
    ...each,
    framing: "length" as const,
    cut: "resetAndDestroy" as const,
  })),
  ...everyCase.map((each) => ({ ...each, cut: "end" as const })),
];

test.each(cuts)(
  "$method ($framing) cut at each byte ($cut) never gives a whole answer, nor half a page",
  async ({ method, type, body, framing, cut, whole }) => {
    const bytes = rawAnswer(type, body, { framing });
    // Heads are alike: one is cut everywhere.
    const start = method === "pull" ? 0 : bytes.indexOf("\r\n\r\n");
    // The end of the last line is the end: what HTTP adds to it says nothing more.
    const end = bytes.length - (framing === "chunked" ? 7 : 0);
    const transport = await open(({ index, socket }) => {
      socket.write(bytes.subarray(0, start + index), () => void socket[cut]());
    });
    // Without a length the end of a stream of events, which may end anywhere, can't be told from a cut.
    const endsAnywhere = framing === "close" && method === "follow";
    const kinds = endsAnywhere ? ["ended", "unreachable"] : ["unreachable"];
    let asked = start;
    const askOn = async (): Promise<void> => {
      while (asked < end) {
        asked += 1;
        const outcome = await requests[method](transport);
        expect(outcome.pages).toEqual(whole.pages.slice(0, outcome.pages.length));
        expect(kinds).toContain(outcome.kind);
      }
    };
    await Promise.all(Array.from({ length: 16 }, askOn));
    expect(server?.requests).toHaveLength(end - start);
  },
);

test.each(everyCase)("$method ($framing) one byte at a time", async (each) => {
  const bytes = rawAnswer(each.type, each.body, { framing: each.framing });
  const transport = await open(async ({ socket }) => {
    for (const byte of bytes) {
      socket.write(Uint8Array.of(byte));
      await setImmediate();
    }
    socket.end();
  });
  expect(await requests[each.method](transport)).toEqual(each.whole);
});

describe("what is no answer of Synchro", () => {
  const html = "<!doctype html><title>Welcome to Hotel Wi-Fi</title>";
  const garbage: readonly (readonly [string, string])[] = [
    ["HTML", html],
    ["an empty body", ""],
    ["JSON of another sort", `{"data":[]}`],
    ["JSON that is no object", "null"],
    ["two answers", JSON.stringify(pullAnswer).repeat(2)],
    ["bytes", "\u0000\u0001\u0002"],
    ["a line of a page that is no object", "[]\n"],
    ["an event that is no JSON", "event: changes\ndata: {\n\n"],
    ["an event that is no page", "event: changes\ndata: {}\n\n"],
  ];
  test.each(cases)("$method: a 200 with another media type", async ({ method, whole, body }) => {
    const transport = await open(({ socket }) =>
      socket.end(rawAnswer("text/html", method === "sync" ? html : body)),
    );
    expect(await requests[method](transport)).toEqual({
      kind: "unreachable",
      whole: null,
      pages: [],
    });
    expect(whole.kind).not.toBe("unreachable");
  });

  test.each(cases)("$method: a 200 of the right type, with garbage", async ({ method, type }) => {
    let body = "";
    const transport = await open(({ socket }) => socket.end(rawAnswer(type, body)));
    for (const [name, text] of garbage) {
      body = text;
      const outcome = await requests[method](transport);
      expect([name, outcome.whole, outcome.pages]).toEqual([name, null, []]);
      // A stream of events that says nothing known is a quiet one.
      const isQuiet = method === "follow" && !text.startsWith("event: changes");
      expect([name, outcome.kind]).toEqual([name, isQuiet ? "ended" : "unreachable"]);
    }
  });

  test.each(cases)("$method: bytes that are not UTF-8", async ({ method, type, body }) => {
    const whole = rawAnswer(type, body);
    const at = whole.indexOf("é");
    const transport = await open(({ socket }) => {
      const bytes = Buffer.from(whole);
      bytes[at] = 0xff;
      socket.end(bytes);
    });
    expect((await requests[method](transport)).kind).toBe("unreachable");
  });

  test.each(cases)("$method: what is no HTTP", async ({ method }) => {
    const transport = await open(({ socket }) => socket.end("\u0016\u0003\u0001 hello\r\n\r\n"));
    expect((await requests[method](transport)).kind).toBe("unreachable");
  });
});

describe("bounds", () => {
  const endless = (type: string, start: string, piece: string) => {
    let sent = 0;
    const answer: Parameters<typeof startRawServer>[0] = ({ socket }) => {
      const send = (): void => {
        while (!socket.destroyed) {
          sent += piece.length;
          if (!socket.write(piece)) return void socket.once("drain", send);
        }
      };
      socket.write(`HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\nconnection: close\r\n\r\n${start}`);
      send();
    };
    return { answer, sent: () => sent };
  };
  const text = "x".repeat(10_000);

  test.each([
    ["sync", "application/json", "", text],
    ["pull", "application/json", "", text],
    ["readPages", "application/x-ndjson", "", text],
    ["readPages", "application/x-ndjson", "", `${JSON.stringify(record("a", 1))}\n`],
    ["follow", "text/event-stream", "", text],
    ["follow", "text/event-stream", "", `data: ${text}\n`],
    ["follow", "text/event-stream", "", "data\n".repeat(2_000)],
  ] as const)(
    "%s: an answer without end (%s, %s) is given up",
    async (method, type, start, piece) => {
      const { answer, sent } = endless(type, start, piece);
      const transport = await open(answer, { messageCharsMax: 1_000_000 });
      expect(await requests[method](transport)).toEqual({
        kind: "unreachable",
        whole: null,
        pages: [],
      });
      // What lies in the buffers of two sockets comes on top.
      expect(sent()).toBeLessThan(20_000_000);
    },
  );

  test("a page may be long where its lines are, and many pages longer than one may be", async () => {
    const page = `${JSON.stringify(record("a".repeat(200), 1))}\n`.repeat(10) + `{"cursor":"c"}\n`;
    const body = `${page.repeat(50)}{"cursor":"c","more":true}\n`;
    const transport = await open(
      ({ socket }) => socket.end(rawAnswer("application/x-ndjson", body)),
      { messageCharsMax: page.length + 100 },
    );
    const outcome = await requests.readPages(transport);
    expect(outcome.kind).toBe("ended");
    expect(outcome.pages).toHaveLength(51);
  });
});

describe("silence", () => {
  const limits = { answerMs: 200, silenceMs: 200, bodyMs: 600 };

  test.each(cases)("$method: a server that never answers", async ({ method }) => {
    const transport = await open(() => {}, limits);
    const outcome = await requests[method](transport);
    expect(outcome).toEqual({ kind: "unreachable", whole: null, pages: [] });
  });

  test.each(cases)("$method: a half-open connection after half an answer", async (each) => {
    const bytes = rawAnswer(each.type, each.body);
    const transport = await open(({ socket }) => {
      socket.write(bytes.subarray(0, bytes.length - 60));
    }, limits);
    const outcome = await requests[each.method](transport);
    expect(outcome.kind).toBe("unreachable");
    expect(outcome.pages).toEqual(each.whole.pages.slice(0, outcome.pages.length));
  });

  test("comments keep a quiet stream open for longer than silence may last", async () => {
    const stop = new AbortController();
    const transport = await open(
      ({ socket }) => {
        const alive = setInterval(() => socket.write(": alive\n"), 100);
        socket.on("close", () => clearInterval(alive));
        socket.write("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n");
      },
      { silenceMs: 1_500 },
    );
    setTimeout(() => stop.abort(), 2_500);
    expect(await transport.follow(from, async () => "go on", stop.signal)).toEqual({
      kind: "stopped",
    });
  });

  test("an answer that drips is given up in the end", async () => {
    const transport = await open(({ socket }) => {
      const drip = setInterval(() => socket.write(" "), 50);
      socket.on("close", () => clearInterval(drip));
      socket.write("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n");
    }, limits);
    expect(await transport.sync("{}", live())).toEqual({
      kind: "unreachable",
      reason: "the answer came too slowly",
    });
  });

  test("a last line is the end, also where the connection stays open", async () => {
    const transport = await open(
      ({ socket }) => {
        socket.write("HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\n\r\n");
        socket.write(ndjson);
      },
      { drainMs: 50 },
    );
    expect(await requests.readPages(transport)).toEqual({ kind: "ended", whole: null, pages });
  });

  test("time that a page takes to be saved is no silence", async () => {
    const transport = await open(
      ({ socket }) => void socket.end(rawAnswer("application/x-ndjson", ndjson)),
      { silenceMs: 1_000 },
    );
    let isFirst = true;
    const slow = async (): Promise<"go on"> => {
      if (isFirst) await new Promise((resolve) => setTimeout(resolve, 1_300));
      isFirst = false;
      return "go on";
    };
    expect(await transport.readPages(from, slow, live())).toEqual({ kind: "ended" });
  });
});
