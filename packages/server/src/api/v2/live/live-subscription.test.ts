import type { StoredRecord } from "@synchro/core";
import { createChecker, encodeRecord, liveChangesSchema } from "@synchro/protocol";
import { describe, expect, test } from "vitest";
import type { FrameOf, LiveClient } from "../../../../testing/live-client.ts";
import { streamIdleMs, useLiveServer } from "../../../../testing/live-server.ts";
import { push, reading, shop } from "../../../../testing/v2-requests.ts";

const live = useLiveServer();

const NOW = "2026-11-24T10:00:00Z";

const keysOf = ({ changes }: FrameOf<"changes">): readonly string[] =>
  changes.map(({ key }) => key);

/** Subscribes, and takes the frames of the catch-up. */
const follow = async (
  client: LiveClient,
  more: { readonly id?: string; readonly space?: string; readonly cursor?: string } = {},
): Promise<readonly FrameOf<"changes">[]> => {
  client.send({ type: "subscribe", id: "1", space: shop, ...more });
  await client.next("subscribed");
  const frames = [await client.next("changes")];
  while (frames.at(-1)?.more === true) frames.push(await client.next("changes"));
  return frames;
};

const fill = (count: number, space = shop): Promise<unknown> =>
  push(
    live.server(),
    Array.from({ length: count }, (_, index) => reading(`k${index}`, NOW)),
    space,
  );

describe("[LIVE-21] a subscription", () => {
  test("to a collection that is not declared is refused, and none begins", async () => {
    await live.start();
    const client = await live.hello();
    client.send({ type: "subscribe", id: "1", space: shop, collections: ["nothing"] });
    const { id, problem } = await client.next("error");
    expect([id, problem.code]).toEqual(["1", "undeclared_collection"]);
    expect(live.server().services.hub.spaces()).toBe(0);
  });

  test("begins with subscribed, catches up page by page, and then brings each change", async () => {
    await live.start();
    await fill(5);
    const client = await live.hello();
    client.send({ type: "subscribe", id: "s", space: shop, limit: 2 });
    expect(await client.next("subscribed")).toEqual({ type: "subscribed", id: "s", space: shop });
    const pages = [
      await client.next("changes"),
      await client.next("changes"),
      await client.next("changes"),
    ];
    expect(pages.map(({ more, changes }) => [more, changes.length])).toEqual([
      [true, 2],
      [true, 2],
      [false, 1],
    ]);
    expect(pages.map(({ digest }) => digest?.at)).toEqual([undefined, undefined, 5]);
    await push(live.server(), [reading("news", NOW)]);
    const news = await client.next("changes");
    expect(news).toMatchObject({ space: shop, more: false });
    expect(keysOf(news)).toEqual(["news"]);
    expect(createChecker(liveChangesSchema)(news).kind).toBe("ok");
  });

  test("goes on from a cursor, also on another connection", async () => {
    await live.start();
    await fill(3);
    const [end] = await follow(await live.hello());
    await push(live.server(), [reading("news", NOW)]);
    const cursor = end?.cursor ?? "";
    const [page] = await follow(await live.hello(), { cursor });
    expect(page === undefined ? [] : keysOf(page)).toEqual(["news"]);
  });

  test("with a cursor that is none gets its reset, on the first frame", async () => {
    await live.start();
    await fill(2);
    const [page] = await follow(await live.hello(), { cursor: "c1.elsewhere.1.-.readings" });
    expect(page?.reset).toBe("offer");
  });

  test("[LIVE-10] that is idle gets its cursor and digest", async () => {
    await live.start();
    const client = await live.hello();
    await follow(client);
    await live.time().advance(streamIdleMs);
    const idle = await client.next("changes");
    expect(idle).toMatchObject({ changes: [], more: false, digest: { at: 0 } });
  });

  test("takes the place of one before to the same space: what comes after subscribed is its own", async () => {
    await live.start();
    await fill(3);
    const client = await live.hello();
    await follow(client, { id: "old" });
    client.send({ type: "subscribe", id: "new", space: shop, collections: ["batches"] });
    expect(await client.next("subscribed")).toMatchObject({ id: "new" });
    expect(keysOf(await client.next("changes"))).toEqual([]);
    await push(live.server(), [reading("news", NOW)]);
    await push(live.server(), [
      {
        collection: "batches",
        key: "b",
        updated_at: NOW,
        value: { gtin: "04012345678901", expiration_date: "2026-12-01" },
      },
    ]);
    expect(keysOf(await client.next("changes"))).toEqual(["b"]);
    expect(client.waiting()).toBe(0);
  });

  test("ends with unsubscribe, which may name a space that is not followed", async () => {
    await live.start();
    const client = await live.hello();
    await follow(client);
    client.send({ type: "unsubscribe", space: "other" });
    client.send({ type: "unsubscribe", space: shop });
    client.send({ type: "ping" });
    await client.next("pong");
    await push(live.server(), [reading("news", NOW)]);
    client.send({ type: "ping" });
    await client.next("pong");
    expect(live.server().services.hub.spaces()).toBe(0);
  });

  test("is one of many on a connection, up to so many", async () => {
    await live.start({ limits: { liveSubscriptionsMax: 3 } });
    const client = await live.hello();
    for (const space of ["a", "b", "c"]) await follow(client, { id: space, space });
    client.send({ type: "subscribe", id: "d", space: "d" });
    const { id, problem } = await client.next("error");
    expect([id, problem.code]).toEqual(["d", "too_many_subscriptions"]);
    // One that takes another's place needs none of its own.
    await follow(client, { id: "a2", space: "a" });
    await push(live.server(), [reading("x", NOW)], "c");
    expect(await client.next("changes")).toMatchObject({ space: "c", changes: [{ key: "x" }] });
    client.send({ type: "unsubscribe", space: "b" });
    await follow(client, { id: "d", space: "d" });
  });

  test("ends with the connection", async () => {
    await live.start();
    const client = await live.hello();
    await follow(client);
    expect(live.server().services.hub.spaces()).toBe(1);
    client.close();
    await expect.poll(() => live.server().services.hub.spaces()).toBe(0);
    expect(live.time().timers).toBe(0);
  });

  test("whose read fails is told so, and the connection goes on", async () => {
    await live.start();
    const { store } = live.server();
    const readPage = store.pull.bind(store);
    const client = await live.hello();
    await follow(client);
    store.pull = () => Promise.reject(new Error("secret"));
    await push(live.server(), [reading("a", NOW)]);
    const { id, problem } = await client.next("error");
    expect([id, problem.code]).toEqual(["1", "internal"]);
    store.pull = readPage;
    expect(keysOf((await follow(client))[0] ?? (await client.next("changes")))).toEqual(["a"]);
    expect(client.received()).not.toContain("secret");
  });
});

describe("[LIVE-22] what many share", () => {
  /** Counts how often a record that the store gives is made text of, from now on, by the looks at its value. */
  const countEncodings = (): (() => number) => {
    const { store } = live.server();
    const readPage = store.pull.bind(store);
    let looks = 0;
    const watched = (record: StoredRecord): StoredRecord => ({
      ...record,
      get value() {
        looks += 1;
        return record.value;
      },
    });
    let looksOfOne = 0;
    store.pull = async (request) => {
      const outcome = await readPage(request);
      const records = outcome.records.map(watched);
      const [first] = records;
      if (first !== undefined) {
        looks = 0;
        encodeRecord(first);
        looksOfOne = looks;
        looks = 0;
      }
      return { ...outcome, records };
    };
    return () => looks / looksOfOne;
  };

  test("a commit costs 1,000 subscribers one read and one encoding, and each gets the same bytes", async () => {
    await live.start();
    await fill(3);
    const clients = await Promise.all(Array.from({ length: 1_000 }, () => live.hello()));
    // Ids and clients of their own: nothing of them is in the bytes.
    await Promise.all(clients.map((client, index) => follow(client, { id: `s${index}` })));
    const pulls = live.countPulls();
    const encodings = countEncodings();
    await push(live.server(), [reading("news", NOW)]);
    const texts = await Promise.all(clients.map((client) => client.nextText()));
    expect(new Set(texts).size).toBe(1);
    expect(texts[0]).toContain('"news"');
    expect([pulls(), encodings()]).toEqual([1, 1]);
  }, 60_000);

  test("other collections are another place, with a read of its own", async () => {
    await live.start();
    await fill(1);
    const [all, some] = [await live.hello(), await live.hello()];
    await follow(all);
    some.send({ type: "subscribe", id: "1", space: shop, collections: ["readings"] });
    await some.next("subscribed");
    await some.next("changes");
    const pulls = live.countPulls();
    await push(live.server(), [reading("news", NOW)]);
    const frames = [await all.nextText(), await some.nextText()];
    expect(frames[0]).not.toBe(frames[1]);
    expect(pulls()).toBe(2);
  });
});
