import type { SpaceId } from "@synchro/core";
import type { StreamEvent } from "@synchro/protocol";
import { afterEach, describe, expect, test, vi } from "vitest";
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
import { systemRuntime } from "../../system-runtime.ts";

const NOW = "2026-11-24T10:00:00Z";
const LATER = "2026-11-24T10:00:01Z";

let server: TestServer;
let time: VirtualTime;
const streams: EventStream[] = [];

const start = async (options: TestServerOptions = {}): Promise<void> => {
  time = new VirtualTime();
  server = await startTestServer({ runtime: time.runtime, ...options });
};

/** Real timers, but a wall clock that stands still: what a test stamps must not lie in its future. */
const realTimers = () => ({ ...systemRuntime, now: new VirtualTime().runtime.now });

afterEach(async () => {
  for (const stream of streams.splice(0)) stream.close();
  await server.stop();
});

const open = async (query: Query = {}, lastEventId?: string): Promise<EventStream> => {
  const headers = lastEventId === undefined ? {} : { "last-event-id": lastEventId };
  const stream = await openEvents(`${server.url}${changesPath(query)}`, headers);
  streams.push(stream);
  return stream;
};

const next = async (stream: EventStream): Promise<ReceivedEvent> => {
  const event = await stream.next();
  if (event === null) throw new Error("the stream has ended");
  return event;
};

const dataOf = (event: ReceivedEvent): StreamEvent => JSON.parse(event.data) as StreamEvent;

const keysOf = (event: ReceivedEvent): readonly string[] =>
  dataOf(event).changes.map(({ key }) => key);

/** The events of a catch-up, the one that ends it included. */
const catchUp = async (stream: EventStream): Promise<readonly ReceivedEvent[]> => {
  const events = [await next(stream)];
  while (dataOf(events.at(-1) as ReceivedEvent).more) events.push(await next(stream));
  return events;
};

const fill = (count: number): Promise<unknown> =>
  push(
    server,
    Array.from({ length: count }, (_, index) => reading(`k${index}`, NOW)),
  );

describe("an event", () => {
  test("[LIVE-7] is named, has the cursor as its id, and its data is the JSON answer without now", async () => {
    await start();
    await fill(2);
    const event = await next(await open());
    const { now: _, ...answer } = await pull(server);
    expect(event.name).toBe("changes");
    expect(event.id).toBe(answer.cursor);
    expect(dataOf(event)).toEqual(answer);
    expect(event.text.split("\n")).toHaveLength(3);
  });

  test("[LIVE-11] is the same bytes for all at one position, and not echo-suppressed", async () => {
    await start();
    const all = [await open(), await open(), await open()];
    for (const stream of all) await next(stream);
    // The ids of a space's first event differ from none: every stream stands before its beginning.
    await push(server, [reading("a", NOW)]);
    for (const stream of all) await next(stream);
    await push(server, [reading("b", NOW)]);
    const texts = await Promise.all(all.map(async (stream) => (await next(stream)).text));
    expect(new Set(texts).size).toBe(1);
    expect(texts[0]).toContain('"b"');
  });
});

describe("the position", () => {
  test("[LIVE-8] Last-Event-ID beats cursor, and an empty one counts as none", async () => {
    await start();
    await push(server, [reading("a", NOW)]);
    const old = (await pull(server)).cursor ?? "";
    await push(server, [reading("b", NOW)]);
    const tip = (await pull(server)).cursor ?? "";
    expect(keysOf(await next(await open({ cursor: tip }, old)))).toEqual(["b"]);
    expect(keysOf(await next(await open({ cursor: old }, tip)))).toEqual([]);
    expect(keysOf(await next(await open({ cursor: old }, "")))).toEqual(["b"]);
  });

  test("[LIVE-9] that is not valid here resets: on the first event, and on no other", async () => {
    await start();
    await fill(3);
    const events = await catchUp(await open({ limit: 1 }, "c1.rubbish.7.-.readings"));
    expect(events.map((event) => dataOf(event).reset ?? null)).toEqual(["offer", null, null]);
    expect(events.flatMap(keysOf)).toEqual(["k0", "k1", "k2"]);
  });

  test("[LIVE-9] an offer run brings every tombstone, on later pages too, without the client's asking", async () => {
    await start();
    await fill(4);
    await push(
      server,
      ["k0", "k1", "k2", "k3"].map((key) => deletion(key, LATER)),
    );
    const offered = await catchUp(await open({ limit: 1 }, "?"));
    expect(offered.flatMap((event) => dataOf(event).changes)).toMatchObject(
      ["k0", "k1", "k2", "k3"].map((key) => ({ key, deleted: true })),
    );
    const fresh = await catchUp(await open({ limit: 1 }));
    expect(fresh.flatMap(keysOf)).toEqual([]);
  });

  test("[LIVE-9] from every id of a catch-up the next stream goes on with just the rest", async () => {
    await start();
    await fill(6);
    const events = await catchUp(await open({ limit: 2 }));
    expect(events.map(keysOf)).toEqual([
      ["k0", "k1"],
      ["k2", "k3"],
      ["k4", "k5"],
    ]);
    for (const [index, event] of events.entries()) {
      const rest = await catchUp(await open({ limit: 2 }, event.id ?? ""));
      expect(rest.flatMap(keysOf)).toEqual(events.slice(index + 1).flatMap(keysOf));
    }
  });
});

describe("catching up and going on", () => {
  test("[LIVE-10] only the event that ends a catch-up has the digest, and it comes without records too", async () => {
    await start();
    await fill(3);
    const first = await open({ limit: 2 });
    const events = await catchUp(first);
    expect(events.map((event) => dataOf(event).digest?.at ?? null)).toEqual([null, 3]);
    const again = await next(await open({}, events.at(-1)?.id ?? ""));
    expect(dataOf(again)).toMatchObject({ changes: [], more: false, digest: { at: 3 } });
  });

  test("[LIVE-9] each change is sent as it is committed, a delete too", async () => {
    await start();
    const stream = await open();
    await catchUp(stream);
    await push(server, [reading("a", NOW)]);
    expect(dataOf(await next(stream))).toMatchObject({ changes: [{ key: "a" }], more: false });
    await push(server, [deletion("a", LATER)]);
    expect(dataOf(await next(stream)).changes).toMatchObject([{ key: "a", deleted: true }]);
  });

  test("[LIVE-10] an idle stream sends digest and a cursor that has passed what it does not show", async () => {
    await start({ limits: { streamIdleMs: 5_000 } });
    const stream = await open({ collections: "batches" });
    const first = await next(stream);
    await fill(2);
    const idle = stream.next();
    // The stream sets its timer once it has looked at the commit: on a busy machine a moment later.
    const event = await vi.waitFor(async () => {
      await time.advance(5_000);
      const came = await Promise.race([idle, time.settle().then(() => null)]);
      expect(came).not.toBeNull();
      return came as ReceivedEvent;
    });
    expect(dataOf(event)).toMatchObject({ changes: [], more: false, digest: { at: 2 } });
    expect(event.id).not.toBe(first.id);
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
    const events = await catchUp(await open());
    expect(events.map(keysOf)).toEqual([["a", "b"], ["c"], ["d"], ["e"]]);
  });
});

describe("a stream ends", () => {
  test("[LIVE-15] when the server stops, between two events", async () => {
    await start({ runtime: realTimers() });
    const stream = await open();
    await catchUp(stream);
    const stopped = server.stop();
    expect(await stream.outcome()).toBe("ended");
    await stopped;
    await start();
  });

  test("when its client has gone, with its listener and its place", async () => {
    await start({ limits: { streamsMax: 1 } });
    const stream = await open();
    await catchUp(stream);
    expect(server.services.hub.spaces()).toBe(1);
    stream.close();
    await vi.waitFor(() => expect(server.services.hub.spaces()).toBe(0));
    expect((await open()).status).toBe(200);
  });

  test("[LIVE-14] [OPEN-1] when its caller may no longer read", async () => {
    let isAllowed = true;
    await start({
      limits: { streamAuthorizeMs: 1_000 },
      authorize: (_, space) => {
        expect(space).toBe(shop);
        return Promise.resolve(
          isAllowed ? { kind: "allowed", subject: null } : { kind: "unauthorized" },
        );
      },
    });
    const stream = await open();
    await catchUp(stream);
    isAllowed = false;
    while (time.timers === 0) await time.settle();
    await time.advance(1_000);
    expect(await stream.next()).toBeNull();
    expect(await stream.outcome()).toBe("ended");
  });

  test("[LIVE-12] when its client takes nothing for streamStallMs; it goes on from where it was", async () => {
    await start({ runtime: realTimers(), limits: { streamStallMs: 300 } });
    const stream = await open();
    const first = await next(stream);
    stream.pause();
    const value = { expiration_date: "2026-12-01", more: "x".repeat(200_000) };
    let count = 0;
    // Until it is more than the buffers between the two hold: then the server can't get rid of it.
    while (server.services.hub.spaces() > 0 && count < 600) {
      const { results } = await push(server, [reading(`k${count}`, NOW, { value })]);
      expect(results).toEqual([{ seq: count + 1 }]);
      count += 1;
    }
    expect(server.services.hub.spaces()).toBe(0);
    stream.resume();
    expect(await stream.outcome()).toBe("cut");
    const again = await open({}, first.id ?? "");
    const keys = (await catchUp(again)).flatMap(keysOf);
    expect(keys).toEqual(Array.from({ length: count }, (_, index) => `k${index}`));
  });
});

describe.each([
  ["text/event-stream", "\n\n"],
  ["application/x-ndjson", "\n"],
])("an answer in %s whose store fails", (accept, ending) => {
  /** Reads that fail after so many, once `isTime`. */
  const breakAfter = (reads: number, isTime: Promise<void> = Promise.resolve()): void => {
    const { store } = server;
    const read = store.pull.bind(store);
    let count = 0;
    store.pull = async (request) => {
      count += 1;
      if (count <= reads) return read(request);
      await isTime;
      throw new Error("no luck");
    };
  };

  test("midway is cut after a whole page, with no end that a client could take for one", async () => {
    await start();
    await fill(6);
    const came = Promise.withResolvers<void>();
    breakAfter(2, came.promise);
    const response = await fetch(`${server.url}${changesPath({ limit: 2 })}`, {
      headers: { accept },
    });
    let text = "";
    const readAll = async (): Promise<void> => {
      const decoder = new TextDecoder();
      for await (const chunk of response.body ?? []) {
        text += decoder.decode(chunk);
        if (text.includes('"k3"') && text.endsWith(ending)) came.resolve();
      }
    };
    await expect(readAll()).rejects.toThrow("terminated");
    expect(text).toContain('"k3"');
    expect(text).not.toContain('"digest"');
    expect(server.services.hub.spaces()).toBe(0);
  });

  test("before its first page is 500", async () => {
    await start();
    breakAfter(0);
    expect(problemOf(await get(server, changesPath(), { accept }), 500).code).toBe("internal");
    expect(server.services.hub.spaces()).toBe(0);
  });
});

describe("[LIVE-13] beyond streamsMax", () => {
  test("every form and /v1's stream get 503 with Retry-After, one page of JSON passes", async () => {
    await start({ limits: { streamsMax: 1 } });
    const stream = await open();
    await catchUp(stream);
    const replies = [
      await get(server, changesPath(), { accept: "text/event-stream" }),
      await get(server, changesPath(), { accept: "application/x-ndjson" }),
      await get(server, changesPath({ wait: 1 })),
      await get(server, `/v1/readings/stream?shop=${shop}`),
    ];
    for (const reply of replies) {
      expect(problemOf(reply, 503).code).toBe("unavailable");
      const seconds = Number(reply.headers.get("retry-after"));
      expect(seconds).toBeGreaterThanOrEqual(5);
      expect(seconds).toBeLessThanOrEqual(12);
    }
    expect(await pull(server)).toMatchObject({ changes: [] });
    expect(server.services.hub.spaces()).toBe(1);
  });

  test("an NDJSON answer, and a long poll, give their places back", async () => {
    await start({ limits: { streamsMax: 1 } });
    await fill(1);
    for (let round = 0; round < 3; round += 1) {
      const lines = await fetch(`${server.url}${changesPath()}`, {
        headers: { accept: "application/x-ndjson" },
      });
      expect(lines.status).toBe(200);
      await lines.text();
      await vi.waitFor(async () =>
        expect((await get(server, changesPath({ wait: 1 }))).status).toBe(200),
      );
    }
    expect(server.services.hub.spaces()).toBe(0);
  });
});

describe("who may read", () => {
  test("[OPEN-1] [OPEN-7] is asked before a stream begins, and a hidden space is one that does not exist", async () => {
    const asked: string[] = [];
    await start({
      authorize: (credentials, space: SpaceId, action) => {
        asked.push(`${credentials.token} ${space} ${action}`);
        return Promise.resolve({ kind: "hidden" });
      },
    });
    const wishes: readonly (readonly [Query, string])[] = [
      [{}, "application/json"],
      [{ wait: 5 }, "application/json"],
      [{}, "text/event-stream"],
      [{}, "application/x-ndjson"],
    ];
    const bodies = new Set<string>();
    for (const [query, accept] of wishes) {
      const headers = { accept, authorization: "Bearer s3cret" };
      const reply = await get(server, changesPath({ ...query, token: "other" }), headers);
      if (reply.status === 400) {
        bodies.add((await get(server, changesPath(query), headers)).text);
        continue;
      }
      bodies.add(reply.text);
    }
    expect([...bodies].map((text) => JSON.parse(text))).toMatchObject([{ code: "not_found" }]);
    expect(asked).toEqual(wishes.map(() => `s3cret ${shop} read`));
    expect(server.services.hub.spaces()).toBe(0);
  });
});
