import type { StreamEvent, WireRecord } from "@synchro/protocol";
import { afterEach, describe, expect, test } from "vitest";
import { type EventStream, openEvents, type ReceivedEvent } from "../../../testing/event-stream.ts";
import {
  startTestServer,
  type TestServer,
  type TestServerOptions,
} from "../../../testing/start-test-server.ts";
import {
  changesPath,
  deletion,
  get,
  problemOf,
  pull,
  push,
  type Query,
  reading,
  shop,
} from "../../../testing/v2-requests.ts";
import { VirtualTime } from "../../../testing/virtual-time.ts";
import type { Authorize, Decision } from "../../service/authorize.ts";

const NOW = "2026-11-24T10:00:00Z";
const LATER = "2026-11-24T10:00:01Z";
const IDLE_MS = 30_000;
const AUTHORIZE_MS = 5_000;
const STALL_MS = 30_000;

let server: TestServer;
let time: VirtualTime;
const streams: EventStream[] = [];

const start = async (options: TestServerOptions = {}): Promise<void> => {
  time = new VirtualTime();
  server = await startTestServer({ runtime: time.runtime, ...options });
};
afterEach(async () => {
  for (const stream of streams.splice(0)) stream.close();
  await server.stop();
});

const open = async (
  query: Query = {},
  headers: { readonly [name: string]: string } = {},
  space = shop,
): Promise<EventStream> => {
  const stream = await openEvents(`${server.url}${changesPath(query, space)}`, headers);
  streams.push(stream);
  return stream;
};

const dataOf = (event: ReceivedEvent | null): StreamEvent => {
  if (event === null) throw new Error("the stream has ended");
  expect(event.name).toBe("changes");
  return JSON.parse(event.data) as StreamEvent;
};

const next = async (stream: EventStream): Promise<StreamEvent> => dataOf(await stream.next());

const keysOf = ({ changes }: StreamEvent): readonly string[] => changes.map(({ key }) => key);

/** Resolves when so many streams wait for news. */
const waiting = async (count: number): Promise<void> => {
  while (time.timers !== count) await time.settle();
};

const fill = async (count: number, space = shop): Promise<void> => {
  const changes = Array.from({ length: count }, (_, index) => reading(`k${index}`, NOW));
  await push(server, changes, space);
};

/** Counts what the store is asked. */
const countPulls = (): (() => number) => {
  const { store } = server;
  const readPage = store.pull.bind(store);
  let pulls = 0;
  store.pull = (request) => {
    pulls += 1;
    return readPage(request);
  };
  return () => pulls;
};

describe("events to the letter", () => {
  test("[LIVE-7] name, id and the answer on one line without now", async () => {
    await start();
    const value = { expiration_date: "2026-12-01", note: "a\nb\rc\u2028" };
    await push(server, [reading("a", NOW, { value })]);
    const response = await fetch(`${server.url}${changesPath({ collections: "readings" })}`, {
      headers: { accept: "text/event-stream" },
    });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    expect(response.headers.get("cache-control")).toBe("no-store");
    await response.body?.cancel();

    const event = await (await open({ collections: "readings" })).next();
    const lines = event?.text.split("\n") ?? [];
    expect(lines.map((line) => line.split(":", 1)[0])).toEqual(["event", "id", "data"]);
    const { cursor, digest } = await pull(server, { collections: "readings" });
    expect(event?.id).toBe(cursor);
    expect(dataOf(event)).toEqual({
      cursor,
      more: false,
      changes: [{ collection: "readings", key: "a", seq: 1, updated_at: NOW, value }],
      digest,
    });
  });

  test("[LIVE-10] of a space that does not exist: no id, a null cursor, and what comes when it is made", async () => {
    await start();
    const stream = await open({}, {}, "nowhere");
    const event = await stream.next();
    expect(event?.id).toBeNull();
    expect(dataOf(event)).toMatchObject({ cursor: null, more: false, digest: { at: 0 } });
    await push(server, [reading("a", NOW)], "nowhere");
    expect(await next(stream)).toMatchObject({ changes: [{ key: "a" }], digest: { at: 1 } });
  });

  test("a space's id that none can be is 404, and a collection that is not declared 400", async () => {
    await start();
    const accept = { accept: "text/event-stream" };
    problemOf(await get(server, changesPath({}, "Bad"), accept), 404);
    const reply = await get(server, changesPath({ collections: "stock" }), accept);
    expect(problemOf(reply, 400).code).toBe("undeclared_collection");
  });
});

describe("catching up and following", () => {
  test("[LIVE-9] [LIVE-10] page by page, then each commit as it comes, deletes and one's own too", async () => {
    await start();
    await fill(5);
    const stream = await open({ limit: 2 });
    const pages = [await next(stream), await next(stream), await next(stream)];
    expect(pages.map(keysOf)).toEqual([["k0", "k1"], ["k2", "k3"], ["k4"]]);
    expect(pages.map(({ more }) => more)).toEqual([true, true, false]);
    expect(pages.map(({ digest }) => digest?.at)).toEqual([undefined, undefined, 5]);
    await push(server, [reading("k5", NOW)]);
    expect(keysOf(await next(stream))).toEqual(["k5"]);
    await push(server, [deletion("k0", LATER)]);
    expect(await next(stream)).toMatchObject({
      changes: [{ key: "k0", deleted: true }],
      digest: { at: 7, collections: { readings: { count: 5 } } },
    });
  });

  test("[LIVE-8] Last-Event-ID beats the cursor, and an empty one does not", async () => {
    await start();
    await fill(3);
    const { cursor } = await pull(server, { limit: 1 });
    const { cursor: tip } = await pull(server);
    const resumed = await open({ cursor: tip ?? "" }, { "last-event-id": cursor ?? "" });
    expect(keysOf(await next(resumed))).toEqual(["k1", "k2"]);
    const given = await open({ cursor: cursor ?? "" }, { "last-event-id": "" });
    expect(keysOf(await next(given))).toEqual(["k1", "k2"]);
    const json = await get(server, changesPath({ cursor: tip ?? "" }), { "last-event-id": "?" });
    expect(json.json).toMatchObject({ changes: [] });
    expect(json.json).not.toHaveProperty("reset");
  });

  test("[LIVE-9] a reset stands on the first event, and the stream carries an offer run through", async () => {
    await start();
    await fill(3);
    await push(server, [deletion("k1", LATER), deletion("k2", LATER)]);
    const stream = await open({ limit: 1 }, { "last-event-id": "from-another-life" });
    const events = [await next(stream), await next(stream), await next(stream)];
    expect(events.map(({ reset }) => reset)).toEqual(["offer", undefined, undefined]);
    expect(events.map(keysOf)).toEqual([["k0"], ["k1"], ["k2"]]);
    await push(server, [reading("k3", NOW)]);
    expect(await next(stream)).not.toHaveProperty("reset");
  });

  test("[LIVE-10] an idle stream sends cursor and digest, also while other collections are busy", async () => {
    await start();
    await fill(1);
    const stream = await open({ collections: "batches" });
    const first = await stream.next();
    for (let second = 1; second <= 3; second += 1) {
      await waiting(1);
      await time.advance(IDLE_MS / 3);
      await push(server, [reading("busy", NOW.replace("Z", `.${second}Z`))]);
    }
    const idle = await stream.next();
    expect(dataOf(idle)).toMatchObject({ changes: [], more: false });
    expect(dataOf(idle).digest?.at).toBeGreaterThanOrEqual(3);
    expect(idle?.id).not.toBe(first?.id);
    // To go on from there skips nothing and resets nobody.
    const { cursor } = await pull(server, { collections: "batches", cursor: idle?.id ?? "" });
    expect(await pull(server, { collections: "batches", cursor: cursor ?? "" })).toMatchObject({
      changes: [],
    });
  });

  test("[LIVE-8] a client that is cut after any event and comes back with its id ends whole", async () => {
    await start();
    await fill(6);
    await push(server, [reading("k0", LATER), deletion("k3", LATER)]);
    const whole = await pull(server);
    for (let events = 0; events <= 5; events += 1) {
      const held = new Map<string, WireRecord>();
      let id: string | null = null;
      const read = async (stream: EventStream, most: number): Promise<void> => {
        for (let taken = 0; taken < most; taken += 1) {
          const event = await stream.next();
          id = event?.id ?? id;
          const { changes, more } = dataOf(event);
          for (const record of changes) held.set(record.key, record);
          if (!more) return;
        }
      };
      const first = await open({ limit: 1 });
      await read(first, events);
      first.close();
      await read(await open({ limit: 1 }, id === null ? {} : { "last-event-id": id }), 100);
      const live = [...held.values()].filter((record) => !("deleted" in record));
      expect(live.toSorted((a, b) => a.seq - b.seq)).toEqual(whole.changes);
    }
  });

  test("[LIVE-12] pages of a catch-up are of streamPageBytesMax bytes at most, or one record", async () => {
    await start({ limits: { streamPageBytesMax: 2_500 } });
    const value = { expiration_date: "2026-12-01", note: "x".repeat(800) };
    const huge = { ...value, more: "x".repeat(5_000) };
    await push(server, [
      ...["a", "b", "c"].map((key) => reading(key, NOW, { value })),
      reading("d", NOW, { value: huge }),
      reading("e", NOW),
    ]);
    const events: StreamEvent[] = [];
    const stream = await open();
    while (events.length === 0 || events.at(-1)?.more === true) events.push(await next(stream));
    expect(events.map(keysOf)).toEqual([["a", "b"], ["c"], ["d"], ["e"]]);
  });

  test("[LIVE-11] a commit costs 200 subscribers one read, and each gets the same bytes", async () => {
    await start();
    await fill(3);
    const all = await Promise.all(Array.from({ length: 200 }, () => open()));
    for (const stream of all) await stream.next();
    await waiting(200);
    const pulls = countPulls();
    await push(server, [reading("news", NOW)]);
    const texts = await Promise.all(all.map(async (stream) => (await stream.next())?.text));
    expect(new Set(texts).size).toBe(1);
    expect(texts[0]).toContain('"news"');
    expect(pulls()).toBe(1);
  });
});

describe("a subscriber that does not read", () => {
  /** Far more than a socket takes in. */
  const PUSHES = 24;
  const text = "x".repeat(200_000);
  const flood = async (): Promise<void> => {
    for (let index = 0; index < PUSHES; index += 1) {
      const value = { expiration_date: "2026-12-01", text };
      const changes = Array.from({ length: 10 }, (_, of) =>
        reading(`k${index}-${of}`, NOW, { value }),
      );
      // Two requests: a body is bounded.
      await push(server, changes.slice(0, 5));
      await push(server, changes.slice(5));
    }
  };

  test("[LIVE-12] has one piece written ahead of it, is cut after streamStallMs, and goes on from its place", async () => {
    await start();
    const stream = await open();
    const opening = await stream.next();
    stream.pause();
    await waiting(1);
    const pulls = countPulls();
    await flood();
    // It is stalled when its next read does not come: the only timer is then its own.
    for (let before = -1; before !== pulls() || time.timers !== 1;) {
      before = pulls();
      for (let turn = 0; turn < 20; turn += 1) await time.settle();
    }
    expect(pulls()).toBeLessThan(PUSHES * 10);
    await time.advance(STALL_MS - 1);
    const stalledAt = pulls();
    await time.advance(1);
    stream.resume();
    expect(await stream.outcome()).toBe("cut");
    expect(pulls()).toBe(stalledAt);
    expect(server.services.hub.spaces()).toBe(0);

    let id = opening?.id ?? "";
    const keys = new Set<string>();
    for (let event = await stream.next(); event !== null; event = await stream.next()) {
      for (const key of keysOf(dataOf(event))) keys.add(key);
      id = event.id ?? id;
    }
    expect(keys.size).toBeLessThan(PUSHES * 10);
    const resumed = await open({}, { "last-event-id": id });
    for (let more = true; more;) {
      const data = await next(resumed);
      for (const key of keysOf(data)) keys.add(key);
      ({ more } = data);
    }
    expect(keys.size).toBe(PUSHES * 10);
  });
});

describe("places", () => {
  test("[LIVE-13] more than streamsMax, of all kinds together, are 503 with Retry-After", async () => {
    await start({ limits: { streamsMax: 3 } });
    await open();
    await open();
    await openEvents(`${server.url}/v1/readings/stream`).then((stream) => streams.push(stream));
    await waiting(3);
    for (const [path, accept] of [
      [changesPath(), "text/event-stream"],
      [changesPath(), "application/x-ndjson"],
      [changesPath({ wait: 30 }), "application/json"],
      ["/v1/readings/stream", "text/event-stream"],
    ] as const) {
      const refused = await get(server, path, { accept });
      expect(problemOf(refused, 503).code).toBe("unavailable");
      expect(refused.headers.get("retry-after")).toMatch(/^[1-9]\d*$/);
    }
    expect(await pull(server)).toMatchObject({ changes: [] });
  });

  test("[LIVE-13] a client that leaves frees its place, and leaves no listener", async () => {
    await start({ limits: { streamsMax: 1 } });
    const first = await open();
    await first.next();
    await waiting(1);
    first.close();
    await waiting(0);
    expect(server.services.hub.spaces()).toBe(0);
    expect((await open()).status).toBe(200);
  });
});

describe("authorisation", () => {
  const subject = "ann";
  const deciding = (decide: (times: number) => Decision["kind"]) => {
    const asked: (string | null)[] = [];
    const authorize: Authorize = async ({ token }) => {
      asked.push(token);
      const kind = decide(asked.length);
      return kind === "allowed" ? { kind, subject } : { kind };
    };
    return { asked, authorize };
  };

  test.each([
    ["unauthorized", 401],
    ["forbidden", 403],
    ["hidden", 404],
  ] as const)("[OPEN-1] %s is %i in every form, and takes no place", async (kind, status) => {
    await start({ authorize: deciding(() => kind).authorize, limits: { streamsMax: 1 } });
    for (const accept of ["text/event-stream", "application/x-ndjson", "application/json"]) {
      problemOf(await get(server, changesPath({ wait: 30 }), { accept }), status);
    }
    expect(server.services.hub.spaces()).toBe(0);
  });

  test("[LIVE-14] is asked again with the same token, and a no ends the stream between two events", async () => {
    const { asked, authorize } = deciding((times) => (times < 3 ? "allowed" : "hidden"));
    await start({ authorize });
    const stream = await open({}, { authorization: "Bearer secret" });
    await stream.next();
    await waiting(1);
    await time.advance(AUTHORIZE_MS);
    expect(asked).toEqual(["secret", "secret"]);
    await time.advance(AUTHORIZE_MS);
    expect(asked).toHaveLength(3);
    expect(await stream.outcome()).toBe("ended");
    expect(server.services.hub.spaces()).toBe(0);
  });
});

describe("a stop", () => {
  test("[LIVE-15] ends streams between two events, the catch-up of one included, and tells when to come back", async () => {
    await start();
    await fill(100);
    const idle = await open();
    await idle.next();
    await waiting(1);
    const stopped = server.stop();
    expect(await idle.outcome()).toBe("ended");
    // A field of the stream, which makes no event.
    const last = await idle.next();
    expect([last?.text, last?.data]).toEqual([expect.stringMatching(/^retry: \d{3,4}$/), ""]);
    expect(await idle.next()).toBeNull();
    await time.advance(1_000);
    await stopped;
    await start();
  });
});
