import type { WirePullAnswer } from "@synchro/protocol";
import { afterEach, expect, test } from "vitest";
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
  type Reply,
} from "../../../testing/v2-requests.ts";
import { VirtualTime } from "../../../testing/virtual-time.ts";
import type { Authorize, Decision } from "../../service/authorize.ts";

const NOW = "2026-11-24T10:00:00Z";

let server: TestServer;
let time: VirtualTime;
const start = async (options: TestServerOptions = {}): Promise<void> => {
  time = new VirtualTime();
  server = await startTestServer({ runtime: time.runtime, ...options });
};
afterEach(() => server.stop());

/** Asks, and comes back when the server waits: what is told then comes from the wait, not from the look. */
const wait = async (query: Query): Promise<{ readonly answer: Promise<Reply> }> => {
  const answer = get(server, changesPath({ wait: 30, ...query }));
  await heard(1);
  return { answer };
};

/** Resolves when so many long polls wait: each has set its timer, and has listened before. */
const heard = async (count: number): Promise<void> => {
  while (time.timers < count) await time.settle();
};

const page = async (answer: Promise<Reply>): Promise<WirePullAnswer> =>
  (await answer).json as WirePullAnswer;

const tip = async (query: Query = {}): Promise<string> => (await pull(server, query)).cursor ?? "";

test("[LIVE-2] answers at once where there is something, or a reset is due", async () => {
  await start();
  await push(server, [reading("a", NOW)]);
  expect(await pull(server, { wait: 30 })).toMatchObject({ changes: [{ key: "a" }] });
  expect(await pull(server, { wait: 30, cursor: "?" })).toMatchObject({ reset: "offer" });
});

test("[LIVE-2] answers at a commit, with what it brought", async () => {
  await start();
  await push(server, [reading("a", NOW)]);
  const { answer } = await wait({ cursor: await tip() });
  await push(server, [deletion("a", "2026-11-24T10:00:01Z")]);
  const got = await page(answer);
  expect(got).toMatchObject({
    changes: [{ key: "a", deleted: true }],
    more: false,
    digest: { at: 2, collections: { readings: { count: 0 } } },
  });
  expect(got).not.toHaveProperty("reset");
});

test("[LIVE-2] answers when the time is over, with a cursor that has advanced", async () => {
  await start();
  await push(server, [reading("a", NOW)]);
  const cursor = await tip({ collections: "batches" });
  const { answer } = await wait({ collections: "batches", cursor });
  await push(server, [reading("b", NOW)]);
  await heard(1);
  await time.advance(30_000);
  const got = await page(answer);
  expect(got).toMatchObject({ changes: [], more: false, digest: { at: 2 } });
  expect(got.cursor).not.toBe(cursor);
});

test("[LIVE-2] waits on through commits to other collections, and answers at one to its own", async () => {
  await start();
  const { answer } = await wait({ collections: "batches" });
  await push(server, [reading("a", NOW)]);
  await heard(1);
  const value = { gtin: "a", expiration_date: "2026-12-01" };
  await push(server, [{ collection: "batches", key: "b", updated_at: NOW, value }]);
  expect(await page(answer)).toMatchObject({ changes: [{ collection: "batches", key: "b" }] });
});

test("[LIVE-2] waits for a space to be made", async () => {
  await start();
  const { answer } = await wait({});
  await push(server, [reading("a", NOW)]);
  expect(await page(answer)).toMatchObject({ changes: [{ key: "a" }], cursor: expect.any(String) });
});

test("[PUSH-8] is not woken by a push that changes nothing", async () => {
  await start();
  await push(server, [reading("a", NOW)]);
  const { answer } = await wait({ cursor: await tip() });
  let isAnswered = false;
  void answer.then(() => (isAnswered = true));
  await push(server, [reading("a", NOW), reading("a-old", "x")]);
  await time.settle();
  expect(isAnswered).toBe(false);
  await time.advance(30_000);
  expect(await page(answer)).toMatchObject({ changes: [], digest: { at: 1 } });
});

test("[LIVE-2] waits waitSecondsMax at most", async () => {
  await start({ limits: { waitSecondsMax: 20 } });
  const { answer } = await wait({ wait: 9_007_199_254_740_991 });
  await time.advance(20_000);
  expect(await page(answer)).toMatchObject({ changes: [] });
});

test("[LIVE-14] is asked for again while it waits, and refused as soon as the answer is no", async () => {
  const asked: (string | null)[] = [];
  const authorize: Authorize = async ({ token }) => {
    asked.push(token);
    return asked.length < 4 ? { kind: "allowed", subject: "ann" } : { kind: "unauthorized" };
  };
  await start({ authorize });
  const query = changesPath({ wait: 30 });
  const answer = get(server, query, { authorization: "Bearer secret" });
  await heard(1);
  await time.advance(14_999);
  expect(asked).toEqual(["secret", "secret", "secret"]);
  await time.advance(1);
  expect(problemOf(await answer, 401).code).toBe("unauthorized");
});

test("[LIVE-14] waits to its end where the answer is yes each time", async () => {
  await start();
  const { answer } = await wait({});
  let isAnswered = false;
  void answer.then(() => (isAnswered = true));
  await time.advance(29_999);
  expect(isAnswered).toBe(false);
  await time.advance(1);
  expect(await page(answer)).toMatchObject({ changes: [] });
});

test("[LIVE-15] is answered when the server stops", async () => {
  await start();
  await push(server, [reading("a", NOW)]);
  const { answer } = await wait({ cursor: await tip() });
  const stopped = server.stop();
  expect(await page(answer)).toMatchObject({ changes: [], more: false, digest: { at: 1 } });
  await time.advance(1_000);
  await stopped;
  await start();
});

test("a client that leaves frees its place at once", async () => {
  await start({ limits: { streamsMax: 1 } });
  const gone = new AbortController();
  const left = fetch(`${server.url}${changesPath({ wait: 30 })}`, { signal: gone.signal });
  await heard(1);
  gone.abort();
  await expect(left).rejects.toThrow("aborted");
  while (time.timers > 0) await time.settle();
  const { answer } = await wait({});
  await push(server, [reading("a", NOW)]);
  expect(await page(answer)).toMatchObject({ changes: [{ key: "a" }] });
});

test("a client that left while it was being authorised does not wait on", async () => {
  const asked = Promise.withResolvers<void>();
  const decided = Promise.withResolvers<Decision>();
  const authorize: Authorize = () => {
    asked.resolve();
    return decided.promise;
  };
  await start({ authorize });
  const gone = new AbortController();
  const left = fetch(`${server.url}${changesPath({ wait: 30 })}`, { signal: gone.signal });
  await asked.promise;
  gone.abort();
  await expect(left).rejects.toThrow("aborted");
  // The server hears of it before it goes on.
  for (let turn = 0; turn < 20; turn += 1) await time.settle();
  decided.resolve({ kind: "allowed", subject: null });
  for (let turn = 0; turn < 20; turn += 1) await time.settle();
  expect(time.timers).toBe(0);
  expect(server.services.hub.spaces()).toBe(0);
});

test("[LIVE-13] more than streamsMax are 503 with Retry-After, and pulls that don't wait pass", async () => {
  await start({ limits: { streamsMax: 2 } });
  const open = [get(server, changesPath({ wait: 30 })), get(server, changesPath({ wait: 30 }))];
  await heard(2);
  const refused = await get(server, changesPath({ wait: 30 }));
  expect(problemOf(refused, 503).code).toBe("unavailable");
  expect(refused.headers.get("retry-after")).toMatch(/^[1-9]\d*$/);
  expect(await pull(server)).toMatchObject({ changes: [] });
  await push(server, [reading("a", NOW)]);
  for (const answer of open) expect(await page(answer)).toMatchObject({ changes: [{ key: "a" }] });
  expect(await pull(server, { wait: 30 })).toMatchObject({ changes: [{ key: "a" }] });
});

test("[LIVE-3] nobody among many sleeps through a commit that comes while they look", async () => {
  await start();
  await push(server, [reading("a", NOW)]);
  const cursor = await tip();
  const polls = Array.from({ length: 50 }, () => get(server, changesPath({ wait: 30, cursor })));
  await push(server, [reading("b", NOW)]);
  for (const poll of polls) expect(await page(poll)).toMatchObject({ changes: [{ key: "b" }] });
  expect(server.services.hub.spaces()).toBe(0);
});
