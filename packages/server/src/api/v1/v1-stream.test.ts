import { parseStamp, type Stamp } from "@synchro/core";
import type { Change, Limits, V1Record } from "@synchro/protocol";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type EventStream, openEvents, type ReceivedEvent } from "../../../testing/event-stream.ts";
import { startTestServer, type TestServer } from "../../../testing/start-test-server.ts";
import { sent, shown, syncV1 } from "../../../testing/v1-requests.ts";
import { deletion, get, problemOf, push, reading } from "../../../testing/v2-requests.ts";
import { VirtualTime } from "../../../testing/virtual-time.ts";
import type { Store } from "../../store/store.ts";
import { MemoryStore } from "../../store/memory/memory-store.ts";
import { systemRuntime } from "../../system-runtime.ts";

let server: TestServer;
const streams: EventStream[] = [];

const clock = parseStamp("2026-11-26T12:00:00Z") as Stamp;
const shop = "shop-1";

const start = async (limits: Partial<Limits> = {}, runtime = systemRuntime): Promise<void> => {
  server = await startTestServer({ limits, runtime: { ...runtime, now: () => clock } });
};

beforeEach(() => start());
afterEach(async () => {
  for (const stream of streams.splice(0)) stream.close();
  await server.stop();
});

const restart = async (...[limits, runtime]: Parameters<typeof start>): Promise<void> => {
  await server.stop();
  await start(limits, runtime);
};

const open = async (lastEventId?: string, path = `?shop=${shop}`): Promise<EventStream> => {
  const headers = lastEventId === undefined ? {} : { "last-event-id": lastEventId };
  const stream = await openEvents(`${server.url}/v1/readings/stream${path}`, headers);
  streams.push(stream);
  return stream;
};

const next = async (stream: EventStream): Promise<ReceivedEvent> => {
  const event = await stream.next();
  if (event === null) throw new Error("the stream has ended");
  return event;
};

const dataOf = (event: ReceivedEvent): unknown =>
  event.data === "" ? null : (JSON.parse(event.data) as unknown);

const store = (...records: readonly V1Record[]) =>
  syncV1(server, shop, { last_sync_date: "1970-01-01", newly_created_records: records });

const apply = async (...changes: readonly Change[]): Promise<void> => {
  const { results } = await push(server, changes, shop);
  expect(results).toEqual(changes.map(() => ({ seq: expect.any(Number) })));
};

const monday = "2026-11-23T10:00:00Z";
const tuesday = "2026-11-24T10:00:00Z";

describe("[V1-27] a stream that goes on from Last-Event-ID", () => {
  test("that is not valid here starts over with all, and says reset", async () => {
    await store(sent("a", monday), sent("b", tuesday));
    const first = await next(await open("c1.rubbish.7.-.readings"));
    expect(dataOf(first)).toEqual({
      data: [shown("a", monday), shown("b", tuesday)],
      reset: true,
    });
    expect(await next(await open(first.id ?? ""))).toMatchObject({ id: first.id, data: "" });
  });

  test("in a shop that does not exist is told to forget it", async () => {
    const first = await next(await open("c1.rubbish.7.-.readings"));
    expect(first.text).toBe('id: \ndata: {"data":[],"reset":true}');
  });

  test("misses nothing of what came while it was cut off", async () => {
    await store(sent("a", monday));
    const stream = await open();
    const { id } = await next(stream);
    stream.close();
    await store(sent("b", tuesday));
    await store(sent("late", "2020-01-01"));
    const again = await open(id ?? "");
    expect(dataOf(await next(again))).toEqual({
      data: [shown("b", tuesday), shown("late", "2020-01-01T00:00:00Z")],
    });
  });

  test("misses nothing when it is cut in the middle of a catch-up, at whatever event", async () => {
    await restart({ streamPageBytesMax: 400 });
    const records = Array.from({ length: 20 }, (_, index) => sent(`gtin-${index + 10}`, monday));
    await store(...records);
    const seen: string[] = [];
    let id: string | null = null;
    let connections = 0;
    while (seen.length < records.length) {
      const stream = await open(id ?? undefined);
      const event = await next(stream);
      id = event.id;
      const { data } = dataOf(event) as { readonly data: readonly V1Record[] };
      seen.push(...data.map(({ gtin }) => gtin));
      stream.close();
      connections += 1;
    }
    expect(connections).toBeGreaterThan(3);
    expect(seen).toEqual(records.map(({ gtin }) => gtin));
  });

  test("an empty one counts as none", async () => {
    await store(sent("a", monday));
    expect(dataOf(await next(await open("")))).toEqual({ data: [shown("a", monday)] });
  });
});

describe("[V1-27] a stream", () => {
  test("is an event stream, with its own headers", async () => {
    const response = await fetch(`${server.url}/v1/readings/stream/?shop=${shop}`);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    expect(response.headers.get("cache-control")).toBe("no-store");
    await response.body?.cancel();
  });

  test("sends all that lives first, then each commit, each with the cursor as its id", async () => {
    await store(sent("a", monday));
    const stream = await open();
    const first = await next(stream);
    expect(dataOf(first)).toEqual({ data: [shown("a", monday)] });
    const { cursor } = await store(sent("b", tuesday, "2026-12-02T01:00+01"));
    const second = await next(stream);
    expect(second.text).toBe(
      `id: ${cursor}\ndata: {"data":[{"gtin":"b","updated_at":"2026-11-24T10:00:00Z","expiration_date":"2026-12-02T00:00:00Z"}]}`,
    );
    const news = await syncV1(server, shop, { cursor: first.id });
    expect(news.data).toEqual([shown("b", tuesday, "2026-12-02T00:00:00Z")]);
  });

  test("sends a record that arrives late, whatever its stamp", async () => {
    await store(sent("a", tuesday));
    const stream = await open();
    await next(stream);
    await store(sent("late", "1999-01-01"));
    expect(dataOf(await next(stream))).toEqual({
      data: [shown("late", "1999-01-01T00:00:00Z")],
    });
  });

  test("does not show a delete, but its id moves past it", async () => {
    await store(sent("a", monday));
    const stream = await open();
    const first = await next(stream);
    await apply(deletion("a", tuesday));
    const moved = await next(stream);
    expect(moved.text).toMatch(/^id: [^\n]+$/);
    expect(moved.id).not.toBe(first.id);
    expect(await next(await open(moved.id ?? ""))).toMatchObject({ id: moved.id, data: "" });
    // It shows that a record that was deleted is there again.
    await store(sent("a", "2026-11-25"));
    expect(dataOf(await next(stream))).toEqual({ data: [shown("a", "2026-11-25T00:00:00Z")] });
  });

  test("begins without the deletes that came before", async () => {
    await apply(reading("a", monday), reading("b", monday));
    await apply(deletion("a", tuesday));
    expect(dataOf(await next(await open()))).toEqual({ data: [shown("b", monday)] });
  });

  test("[V1-24] shows readings alone", async () => {
    const stream = await open();
    await next(stream);
    const batch = {
      collection: "batches",
      key: "x",
      updated_at: monday,
      value: { gtin: "a", expiration_date: "2026-12-01" },
    };
    await apply(batch, reading("a", monday));
    expect(dataOf(await next(stream))).toEqual({ data: [shown("a", monday)] });
  });

  test("[V1-23] of one shop hears nothing of another", async () => {
    const other = await open(undefined, "?shop=other");
    const stream = await open();
    expect((await next(other)).data).toBe("");
    expect((await next(stream)).data).toBe("");
    await syncV1(server, "other", {
      last_sync_date: "1970-01-01",
      newly_created_records: [sent("secret", monday)],
    });
    expect(dataOf(await next(other))).toEqual({ data: [shown("secret", monday)] });
    await store(sent("a", monday));
    expect(dataOf(await next(stream))).toEqual({ data: [shown("a", monday)] });
  });

  test("of a shop that does not exist yet begins with an empty id, and then hears of its first record", async () => {
    const stream = await open();
    expect((await next(stream)).text).toBe("id: ");
    await store(sent("a", monday));
    const first = await next(stream);
    expect(dataOf(first)).toEqual({ data: [shown("a", monday)] });
    expect(first.id).not.toBe("");
  });

  test("that was opened twice gets the same bytes twice", async () => {
    const pair = [await open(), await open()] as const;
    for (const stream of pair) await next(stream);
    await store(sent("a", monday));
    await store(sent("b", tuesday));
    const texts = await Promise.all(
      pair.map(async (stream) => {
        const seen: unknown[] = [];
        while (seen.length < 2) {
          seen.push(...(dataOf(await next(stream)) as { readonly data: readonly unknown[] }).data);
        }
        return seen;
      }),
    );
    expect(texts[0]).toEqual([shown("a", monday), shown("b", tuesday)]);
    expect(texts[1]).toEqual(texts[0]);
  });

  test("[LIVE-10] that is idle sends an id alone, which has moved past what it does not show", async () => {
    const time = new VirtualTime();
    await restart({}, time.runtime);
    await store(sent("a", monday));
    const stream = await open();
    const first = await next(stream);
    await apply({
      collection: "batches",
      key: "x",
      updated_at: monday,
      value: { gtin: "a", expiration_date: "2026-12-01" },
    });
    await time.settle();
    const idle = stream.next();
    // The stream sets its timer when it has looked at the commit: on a busy machine a moment later.
    await vi.waitFor(async () => {
      await time.advance(30_000);
      expect(await Promise.race([idle, time.settle().then(() => null)])).not.toBeNull();
    });
    const event = await idle;
    expect(event?.text).toMatch(/^id: [^\n]+$/);
    expect(event?.id).not.toBe(first.id);
  });
});

describe("a stream ends", () => {
  test("[LIVE-15] when the server stops, and whole: the next one goes on after it", async () => {
    await store(sent("a", monday));
    const stream = await open();
    await next(stream);
    const stopped = server.stop();
    expect(await stream.outcome()).toBe("ended");
    await stopped;
    await start();
  });

  test("when its client goes away: nobody listens any more, and nothing is held", async () => {
    const open_ = [await open(), await open(undefined, "?shop=other")];
    for (const stream of open_) await next(stream);
    expect(server.services.hub.spaces()).toBe(2);
    for (const stream of open_) stream.close();
    await vi.waitFor(() => expect(server.services.hub.spaces()).toBe(0));
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    expect(metrics).toContain('synchro_streams_open{kind="v1_sse"} 0');
  });

  test("[LIVE-12] when its client takes nothing for too long, and the client goes on from where it was", async () => {
    await restart({ streamStallMs: 300 });
    const stream = await open();
    const first = await next(stream);
    stream.pause();
    // Until it is more than the buffers between the two hold: then the server can't get rid of it.
    let sentCount = 0;
    while (server.services.hub.spaces() > 0 && sentCount < 200_000) {
      const gtins = Array.from({ length: 4_000 }, (_, n) => `${sentCount + n}`.padStart(200, "0"));
      await store(...gtins.map((gtin) => sent(gtin, monday)));
      sentCount += gtins.length;
    }
    expect(server.services.hub.spaces()).toBe(0);
    stream.resume();
    expect(await stream.outcome()).toBe("cut");
    const again = await open(first.id ?? "");
    const seen = new Set<string>();
    while (seen.size < sentCount) {
      const { data } = dataOf(await next(again)) as { readonly data: readonly V1Record[] };
      for (const { gtin } of data) seen.add(gtin);
    }
  });

  test("[LIVE-13] before it begins, where as many are open as the server takes on", async () => {
    await restart({ streamsMax: 1 });
    const stream = await open();
    await next(stream);
    const reply = await get(server, "/v1/readings/stream");
    expect(problemOf(reply, 503).code).toBe("unavailable");
    expect(reply.headers.get("retry-after")).toMatch(/^\d+$/);
    stream.close();
    await vi.waitFor(async () => {
      const other = await open();
      expect(other.status).toBe(200);
    });
  });

  test("by an answer of 500 and not by silence, where its first read fails", async () => {
    await server.stop();
    let isBroken = false;
    const breakable = (inner: Store): Store =>
      new Proxy(inner, {
        get: (target, name) => {
          const member = Reflect.get(target, name) as unknown;
          if (name === "pull" && isBroken) return () => Promise.reject(new Error("broken"));
          return typeof member === "function" ? member.bind(target) : member;
        },
      });
    server = await startTestServer({
      openStore: (options) => breakable(new MemoryStore(options)),
    });
    isBroken = true;
    expect(problemOf(await get(server, "/v1/readings/stream"), 500).code).toBe("internal");
    isBroken = false;
    expect(server.services.hub.spaces()).toBe(0);
  });
});
