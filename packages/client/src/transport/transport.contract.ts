import type { WireRecord } from "@synchro/protocol";
import { afterEach, describe, expect, test } from "vitest";
import {
  startTestServer,
  type TestServer,
  type TestServerOptions,
} from "../../../server/testing/start-test-server.ts";
import type { Page, PullFrom, Reply, StreamEnd, Transport } from "./transport.ts";

export type OpenTransport = (options: {
  readonly url: string;
  readonly space: string;
}) => Transport;

const everything: PullFrom = {
  cursor: null,
  ack: null,
  collections: ["readings"],
  tombstones: false,
  limit: null,
};

const STAMP = "2026-11-23T10:00:00Z";

const write = (key: string, value: object = { expiration_date: "2026-12-01" }) => ({
  collection: "readings",
  key,
  updated_at: STAMP,
  value,
});

const syncBody = (members: object): string =>
  JSON.stringify({ client_id: "c_1", cursor: null, collections: ["readings"], ...members });

const answered = <Answer>(reply: Reply<Answer>): Answer => {
  if (reply.kind !== "answered") throw new Error(`not answered: ${JSON.stringify(reply)}`);
  return reply.answer;
};

const keysOf = (records: readonly WireRecord[]): readonly string[] => records.map(({ key }) => key);

const live = (): AbortSignal => new AbortController().signal;

const numbered = (count: number): readonly ReturnType<typeof write>[] =>
  Array.from({ length: count }, (_, index) => write(String(index).padStart(4, "0")));

/**
 * A transport against the real server: every implementation of {@link Transport} runs it.
 *
 * @param atStop what a stream comes to when its server stops
 */
export const describeTransport = (
  name: string,
  open: OpenTransport,
  atStop: Partial<StreamEnd>,
): void => {
  describe(`${name} against a server`, () => {
    const servers: TestServer[] = [];
    const start = async (options: TestServerOptions = {}, space = "malmo-1") => {
      const server = await startTestServer(options);
      servers.push(server);
      return { server, transport: open({ url: server.url, space }) };
    };
    afterEach(async () => {
      for (const server of servers.splice(0)) await server.stop();
    });

    const fill = async (transport: Transport, count: number): Promise<void> => {
      const body = syncBody({ changes: numbered(count), pull: false });
      expect(answered(await transport.sync(body, live())).results).toHaveLength(count);
    };

    describe("what can't pass", () => {
      test("a request that breaks its schema is refused, with its code", async () => {
        const { transport } = await start();
        const body = syncBody({ changes: [write("a"), write("a")] });
        expect(await transport.sync(body, live())).toMatchObject({
          kind: "refused",
          status: 400,
          code: "duplicate_key",
        });
        const from = { ...everything, collections: ["unheard_of"] };
        const refused = { kind: "refused", status: 400, code: "undeclared_collection" };
        const onPage = (): Promise<"go on"> => Promise.reject(new Error("there is no page"));
        expect(await transport.pull(from, null, live())).toMatchObject(refused);
        expect(await transport.readPages(from, onPage, live())).toMatchObject(refused);
        expect(await transport.follow(from, onPage, live())).toMatchObject(refused);
      });

      test("a space that can't be is hidden", async () => {
        const { transport } = await start({}, "No Space");
        expect(await transport.pull(everything, null, live())).toEqual({ kind: "hidden" });
        expect(await transport.sync(syncBody({}), live())).toEqual({ kind: "hidden" });
      });

      test("too many changes, and too large a body, are too large", async () => {
        const { transport } = await start({ limits: { changesMax: 2, bodyBytesMax: 100_000 } });
        const tooMany = syncBody({ changes: numbered(3) });
        expect(await transport.sync(tooMany, live())).toEqual({ kind: "too_large" });
        const text = "x".repeat(200_000);
        const large = syncBody({ changes: [write("a", { expiration_date: text })] });
        expect(await transport.sync(large, live())).toEqual({ kind: "too_large" });
      });

      test("[LIVE-13] a stream too many is told to wait", async () => {
        const { transport } = await start({ limits: { streamsMax: 1 } });
        const stop = new AbortController();
        const opened = Promise.withResolvers<void>();
        const first = transport.follow(
          everything,
          async () => {
            opened.resolve();
            return "go on";
          },
          stop.signal,
        );
        await opened.promise;
        const second = await transport.follow(everything, async () => "go on", live());
        expect(second).toMatchObject({ kind: "busy", code: "unavailable" });
        expect(second.kind === "busy" && second.retryAfterMs).toBeGreaterThanOrEqual(1000);
        stop.abort();
        expect(await first).toEqual({ kind: "stopped" });
      });

      test("a server that is gone can't be reached", async () => {
        const { server, transport } = await start();
        await server.stop();
        servers.pop();
        const reply = await transport.pull(everything, null, live());
        expect(reply.kind).toBe("unreachable");
        expect((await transport.follow(everything, async () => "go on", live())).kind).toBe(
          "unreachable",
        );
      });

      test("nothing is asked for a signal that was aborted before", async () => {
        const { transport } = await start();
        const aborted = AbortSignal.abort();
        expect((await transport.sync(syncBody({}), aborted)).kind).toBe("unreachable");
        expect(await transport.follow(everything, async () => "go on", aborted)).toEqual({
          kind: "stopped",
        });
      });
    });

    describe("sync", () => {
      test("an answer holds results, ack, cursor and digest", async () => {
        const { transport } = await start();
        const body = syncBody({ changes: [write("a"), write("é😀"), write("c", {})] });
        const answer = answered(await transport.sync(body, live()));
        expect(answer.results).toMatchObject([
          { seq: 1 },
          { seq: 2 },
          { rejected: { code: "schema_mismatch" } },
        ]);
        expect(answer).toMatchObject({ more: false, changes: [], digest: { at: 2 } });
        expect(answer.ack).toEqual(expect.any(String));
        expect(answer.cursor).toEqual(expect.any(String));
      });

      test('after "pull": false there is neither cursor nor `more`', async () => {
        const { transport } = await start();
        const body = syncBody({ changes: [write("a")], pull: false });
        const answer = answered(await transport.sync(body, live()));
        expect(answer.results).toEqual([{ seq: 1 }]);
        expect(answer.cursor).toBeUndefined();
        expect(answer.more).toBeUndefined();
      });

      test("a large body passes, and so do as many bytes in the answer", async () => {
        const { transport } = await start();
        const changes = numbered(3_000).map((change, index) =>
          write(change.key, { expiration_date: "2026-12-01", note: `é😀 ${index}`.repeat(20) }),
        );
        const sent = answered(await transport.sync(syncBody({ changes, pull: false }), live()));
        expect(sent.results).toHaveLength(3_000);
        const got = answered(await transport.pull({ ...everything, limit: 3_000 }, null, live()));
        expect(got.changes).toHaveLength(3_000);
        expect(got.changes[2_999]).toMatchObject({ value: { note: "é😀 2999".repeat(20) } });
      });
    });

    describe("pull", () => {
      test("`more` and the cursor lead through all pages", async () => {
        const { transport } = await start();
        await fill(transport, 7);
        const keys: string[] = [];
        let cursor: string | null = null;
        for (const more of [true, true, false]) {
          const from: PullFrom = { ...everything, limit: 3, cursor };
          const answer = answered(await transport.pull(from, null, live()));
          expect(answer.more).toBe(more);
          keys.push(...keysOf(answer.changes));
          cursor = answer.cursor;
        }
        expect(keys).toEqual(numbered(7).map(({ key }) => key));
      });

      test("[LIVE-2] a long poll is answered by a change, and by the end of its time", async () => {
        const { transport } = await start();
        await fill(transport, 1);
        const first = answered(await transport.pull(everything, null, live()));
        const from = { ...everything, cursor: first.cursor };
        expect(answered(await transport.pull(from, 1, live()))).toMatchObject({ changes: [] });
        const waiting = transport.pull(from, 30, live());
        await transport.sync(syncBody({ changes: [write("new")], pull: false }), live());
        expect(keysOf(answered(await waiting).changes)).toEqual(["new"]);
      });

      test("a long poll ends with its signal", async () => {
        const { transport } = await start();
        const stop = new AbortController();
        const waiting = transport.pull(everything, 60, stop.signal);
        stop.abort();
        expect((await waiting).kind).toBe("unreachable");
      });
    });

    describe("pages", () => {
      const read = async (
        transport: Transport,
        from: PullFrom,
      ): Promise<{ readonly pages: readonly Page[]; readonly end: StreamEnd }> => {
        const pages: Page[] = [];
        const onPage = async (page: Page): Promise<"go on"> => {
          pages.push(page);
          return "go on";
        };
        const end = await transport.readPages(from, onPage, live());
        return { pages, end };
      };

      test("[LIVE-4] [LIVE-5] come one after another; `more` stands on the last alone", async () => {
        const { transport } = await start();
        await fill(transport, 7);
        const { pages, end } = await read(transport, { ...everything, limit: 3 });
        expect(end).toEqual({ kind: "ended" });
        expect(pages.map(({ changes }) => changes.length)).toEqual([3, 3, 1]);
        expect(pages.map(({ more }) => more)).toEqual([undefined, undefined, false]);
        expect(pages[2]?.digest).toMatchObject({ at: 7, collections: { readings: { count: 7 } } });
        const keys = pages.flatMap(({ changes }) => keysOf(changes));
        expect(keys).toEqual(numbered(7).map(({ key }) => key));
        const again = await read(transport, { ...everything, cursor: pages[0]?.cursor ?? null });
        expect(again.pages.flatMap(({ changes }) => keysOf(changes))).toEqual(keys.slice(3));
      });

      test("[LIVE-5] an answer that was long enough ends with `more`", async () => {
        const { transport } = await start({ limits: { ndjsonRecordsMax: 3 } });
        await fill(transport, 7);
        const { pages, end } = await read(transport, { ...everything, limit: 2 });
        expect(end).toEqual({ kind: "ended" });
        expect(pages.at(-1)).toMatchObject({ more: true });
      });

      test("a space that nobody wrote to has one page, with a null cursor", async () => {
        const { transport } = await start();
        const { pages, end } = await read(transport, everything);
        expect(end).toEqual({ kind: "ended" });
        expect(pages).toMatchObject([{ cursor: null, more: false, changes: [] }]);
      });

      test("the next page waits for the last one's handler, and `stop` ends it", async () => {
        const { transport } = await start();
        await fill(transport, 9);
        let running = 0;
        const seen: number[] = [];
        const onPage = async ({ changes }: Page): Promise<"go on" | "stop"> => {
          running += 1;
          expect(running).toBe(1);
          await new Promise((resolve) => setTimeout(resolve, 5));
          running -= 1;
          seen.push(changes.length);
          return seen.length === 2 ? "stop" : "go on";
        };
        const end = await transport.readPages({ ...everything, limit: 3 }, onPage, live());
        expect(end).toEqual({ kind: "stopped" });
        expect(seen).toEqual([3, 3]);
      });

      test("a handler's own failure comes through", async () => {
        const { transport } = await start();
        const onPage = (): Promise<"go on"> => Promise.reject(new Error("the disk is full"));
        await expect(transport.readPages(everything, onPage, live())).rejects.toThrow("disk");
        await expect(transport.follow(everything, onPage, live())).rejects.toThrow("disk");
      });
    });

    test.each(["pull", "readPages", "follow"] as const)(
      "%s: a cursor of another life brings the reset on the first page alone",
      async (method) => {
        const { transport } = await start();
        await fill(transport, 5);
        const from = { ...everything, cursor: "c1.other.4711.-.readings", limit: 2 };
        const pages: Page[] = [];
        if (method === "pull") {
          pages.push(answered(await transport.pull(from, null, live())));
        } else {
          const onPage = async (page: Page): Promise<"go on" | "stop"> => {
            pages.push(page);
            return page.more === false ? "stop" : "go on";
          };
          await transport[method](from, onPage, live());
        }
        expect(pages[0]).toMatchObject({ reset: "offer" });
        expect(pages.slice(1).every(({ reset }) => reset === undefined)).toBe(true);
        expect(pages.length).toBe(method === "pull" ? 1 : 3);
      },
    );

    describe("following", () => {
      const follow = (transport: Transport, from: PullFrom, signal = live()) => {
        const pages: Page[] = [];
        const waiters: { count: number; resolve: () => void }[] = [];
        const end = transport.follow(
          from,
          async (page) => {
            pages.push(page);
            for (const { count, resolve } of waiters) if (pages.length >= count) resolve();
            return "go on";
          },
          signal,
        );
        const until = (count: number): Promise<void> =>
          new Promise((resolve) => {
            if (pages.length >= count) resolve();
            else waiters.push({ count, resolve });
          });
        return { pages, end, until };
      };

      test("[LIVE-9] [LIVE-10] catches up, then brings each change as it is committed", async () => {
        const { transport } = await start();
        await fill(transport, 5);
        const stop = new AbortController();
        const stream = follow(transport, { ...everything, limit: 2 }, stop.signal);
        await stream.until(3);
        expect(stream.pages.map(({ more }) => more)).toEqual([true, true, false]);
        expect(stream.pages[2]?.digest).toMatchObject({ at: 5 });
        await transport.sync(syncBody({ changes: [write("é😀")], pull: false }), live());
        await stream.until(4);
        expect(keysOf(stream.pages[3]?.changes ?? [])).toEqual(["é😀"]);
        stop.abort();
        expect(await stream.end).toEqual({ kind: "stopped" });
      });

      test("[LIVE-10] an idle stream brings its cursor", async () => {
        const { transport } = await start({ limits: { streamIdleMs: 50 } });
        await fill(transport, 1);
        const stop = new AbortController();
        const stream = follow(transport, everything, stop.signal);
        await stream.until(3);
        expect(stream.pages[2]).toMatchObject({ more: false, changes: [], digest: { at: 1 } });
        stop.abort();
        await stream.end;
      });

      test("[LIVE-15] a server that stops ends it in good order", async () => {
        const { server, transport } = await start();
        await fill(transport, 1);
        const stream = follow(transport, everything);
        await stream.until(1);
        await server.stop();
        servers.pop();
        expect(await stream.end).toMatchObject(atStop);
      });

      test("a push that is too large beside it is told so", async () => {
        const { transport } = await start({ limits: { bodyBytesMax: 20_000 } });
        await fill(transport, 1);
        const stop = new AbortController();
        const stream = follow(transport, everything, stop.signal);
        await stream.until(1);
        const note = "é".repeat(900);
        const changes = numbered(20).map(({ key }) => write(key, { note }));
        const body = syncBody({ pull: false, changes });
        const pushed = await (transport.push?.(body, live()) ?? transport.sync(body, live()));
        expect(pushed.kind).toBe("too_large");
        stop.abort();
        await stream.end;
      });

      test("pushes pass beside it, and come back to it", async () => {
        const { transport } = await start();
        await fill(transport, 1);
        const stop = new AbortController();
        const stream = follow(transport, everything, stop.signal);
        await stream.until(1);
        const push = (members: object) => {
          const body = syncBody({ pull: false, ...members });
          return transport.push?.(body, live()) ?? transport.sync(body, live());
        };
        expect(answered(await push({ changes: [write("é😀"), write("c", {})] }))).toMatchObject({
          results: [{ seq: 2 }, { rejected: { code: "schema_mismatch" } }],
          changes: [],
          ack: expect.any(String),
          now: expect.any(String),
        });
        await stream.until(2);
        expect(keysOf(stream.pages[1]?.changes ?? [])).toEqual(["é😀"]);
        const older = { ...write("0000"), updated_at: "2020-01-01T00:00:00Z" };
        const lost = answered(await push({ changes: [older] }));
        expect(lost.results).toEqual([{ superseded: 1 }]);
        expect(keysOf(lost.changes)).toEqual(["0000"]);
        expect(await push({ changes: [write("a"), write("a")] })).toMatchObject({
          kind: "refused",
          status: 400,
          code: "duplicate_key",
        });
        const many = numbered(300).map(({ key }) =>
          write(`long-${key}`, { expiration_date: "2026-12-01", note: "é".repeat(900) }),
        );
        expect(answered(await push({ changes: many })).results).toHaveLength(300);
        await stream.until(3);
        expect((await push({ changes: numbered(5_001) })).kind).toBe("too_large");
        stop.abort();
        expect(await stream.end).toEqual({ kind: "stopped" });
        expect(answered(await push({ changes: [write("after")] })).results).toEqual([{ seq: 303 }]);
      });
    });
  });
};
