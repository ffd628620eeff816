import { createChecker, createLiveResultsSchema, defaultLimits } from "@synchro/protocol";
import { describe, expect, test } from "vitest";
import { useLiveServer } from "../../../../testing/live-server.ts";
import { deletion, pull, push, reading, shop, sync } from "../../../../testing/v2-requests.ts";
import { StoreUnavailableError } from "../../../store/store-unavailable-error.ts";

const live = useLiveServer();

const NOW = "2026-11-24T10:00:00Z";
const EARLIER = "2026-11-24T09:00:00Z";

describe("[LIVE-24] a push", () => {
  test("that names a record twice is refused whole", async () => {
    await live.start();
    const client = await live.hello();
    const changes = [reading("a", NOW), reading("a", NOW)];
    client.send({ type: "push", id: "1", space: shop, changes });
    const { id, problem } = await client.next("error");
    expect([id, problem.code]).toEqual(["1", "duplicate_key"]);
    expect((await pull(live.server())).changes).toEqual([]);
  });

  test("of more changes than are taken is refused whole", async () => {
    await live.start({ limits: { changesMax: 2 } });
    const client = await live.hello();
    const changes = ["a", "b", "c"].map((key) => reading(key, NOW));
    client.send({ type: "push", id: "1", space: shop, changes });
    expect((await client.next("error")).problem.code).toBe("too_many_changes");
  });

  test("into a full space is refused, with the time to wait", async () => {
    await live.start({ quotaOf: () => 1 });
    const client = await live.hello();
    await push(live.server(), [reading("a", NOW)]);
    client.send({ type: "push", id: "1", space: shop, changes: [reading("b", NOW)] });
    const { id, problem, retry_after_ms: afterMs } = await client.next("error");
    expect([id, problem.code]).toEqual(["1", "quota_exceeded"]);
    expect(afterMs).toBeGreaterThanOrEqual(60_000);
  });

  test("of which one change is bad refuses that one alone, by the data rules too", async () => {
    await live.start();
    const client = await live.hello();
    const bad = JSON.stringify(reading("b", NOW, { value: { note: "nul" } }));
    const text = `{"type":"push","id":"1","space":"${shop}","changes":[${JSON.stringify(reading("a", NOW))},${bad.replace("nul", "\\u0000")},${JSON.stringify(reading("c", "nonsense"))}]}`;
    client.sendRaw(text);
    const { results } = await client.next("results");
    expect(results).toMatchObject([
      { seq: 1 },
      { rejected: { code: "data_rule", path: "/value/note" } },
      { rejected: { code: "bad_stamp" } },
    ]);
  });

  test('is answered as a sync with "pull": false, with the records that beat a change', async () => {
    await live.start();
    await push(live.server(), [reading("a", NOW)]);
    const client = await live.hello();
    const changes = [reading("a", EARLIER), reading("b", NOW), deletion("c", NOW)];
    client.send({ type: "push", id: "p1", space: shop, changes });
    const results = await client.next("results");
    expect(createChecker(createLiveResultsSchema(defaultLimits))(results).kind).toBe("ok");
    expect(results).toEqual({
      type: "results",
      id: "p1",
      ack: expect.any(String),
      now: NOW,
      results: [{ superseded: 1 }, { seq: 2 }, { seq: 3 }],
      changes: [expect.objectContaining({ key: "a", seq: 1 })],
    });
    // Again, as after an answer that was lost.
    const { type: _, id: __, ...body } = results;
    expect(await sync(live.server(), { changes, pull: false })).toEqual(body);
  });

  test("names its client, or hello does", async () => {
    await live.start();
    const client = await live.connect();
    client.send({ type: "hello", protocol: 2, client_id: "c_hello" });
    await client.next("welcome");
    const bad = [reading("a", "nonsense")];
    client.send({ type: "push", id: "1", space: shop, changes: bad });
    client.send({ type: "push", id: "2", space: shop, client_id: "c_push", changes: bad });
    await client.next("results");
    await client.next("results");
    const response = await fetch(`${live.server().url}/v2/spaces/${shop}/rejections`);
    const { rejections } = (await response.json()) as {
      readonly rejections: readonly { readonly client_id: string }[];
    };
    expect(rejections.map(({ client_id: name }) => name).toSorted()).toEqual(["c_hello", "c_push"]);
  });

  test("is judged by the collections that it names", async () => {
    await live.start();
    const client = await live.hello();
    const changes = [reading("a", NOW)];
    client.send({ type: "push", id: "1", space: shop, collections: ["batches"], changes });
    expect(await client.next("results")).toMatchObject({
      results: [{ rejected: { code: "not_subscribed" } }],
    });
  });

  test("keeps an ack that is not valid here: what a pull must judge is not hidden", async () => {
    await live.start();
    const client = await live.hello();
    const ack = "a1.elsewhere.7";
    client.send({ type: "push", id: "1", space: shop, ack, changes: [reading("a", NOW)] });
    expect((await client.next("results")).ack).toBe(ack);
  });

  test("without changes is answered without results", async () => {
    await live.start();
    const client = await live.hello();
    client.send({ type: "push", id: "1", space: shop });
    const results = await client.next("results");
    expect(results.results).toEqual([]);
    expect(results).not.toHaveProperty("ack");
  });

  test("is done after those before it to the same space, whatever they take; others need not wait", async () => {
    await live.start({ limits: { livePushesMax: 2 } });
    const { store } = live.server();
    const commit = store.push.bind(store);
    const held: (() => void)[] = [];
    const begun: string[] = [];
    store.push = async (request) => {
      begun.push(
        `${request.space} ${request.changes[0]?.kind === "write" ? request.changes[0].key : ""}`,
      );
      await new Promise<void>((resolve) => held.push(resolve));
      return commit(request);
    };
    const client = await live.hello();
    const send = (id: string, space: string): void =>
      client.send({ type: "push", id, space, changes: [reading(id, NOW)] });
    send("1", "a");
    send("2", "b");
    send("3", "a");
    send("4", "c");
    await expect.poll(() => begun).toEqual(["a 1", "b 2"]);
    await live.time().settle();
    expect(begun).toHaveLength(2);
    held[1]?.();
    expect(await client.next("results")).toMatchObject({ id: "2" });
    await live.time().settle();
    expect(begun).toHaveLength(2);
    held[0]?.();
    expect(await client.next("results")).toMatchObject({ id: "1" });
    await expect.poll(() => begun).toEqual(["a 1", "b 2", "a 3", "c 4"]);
    for (const release of held) release();
    const ids = [(await client.next("results")).id, (await client.next("results")).id];
    expect(ids.toSorted()).toEqual(["3", "4"]);
  });

  test("that fails is told so, without its cause; the next one passes", async () => {
    await live.start();
    const { store } = live.server();
    const commit = store.push.bind(store);
    store.push = () => Promise.reject(new Error("secret"));
    const client = await live.hello();
    client.send({ type: "push", id: "1", space: shop, changes: [reading("a", NOW)] });
    const { id, problem } = await client.next("error");
    expect([id, problem.code]).toEqual(["1", "internal"]);
    expect(client.received()).not.toContain("secret");
    store.push = commit;
    client.send({ type: "push", id: "2", space: shop, changes: [reading("a", NOW)] });
    expect(await client.next("results")).toMatchObject({ id: "2", results: [{ seq: 1 }] });
  });

  test("that the database does not confirm is told so, with the time to wait", async () => {
    await live.start();
    live.server().store.push = () =>
      Promise.reject(new StoreUnavailableError("unknown", "canary.example:5432"));
    const client = await live.hello();
    client.send({ type: "push", id: "1", space: shop, changes: [reading("a", NOW)] });
    const { id, problem, retry_after_ms: afterMs } = await client.next("error");
    expect([id, problem.code]).toEqual(["1", "unavailable"]);
    expect(afterMs).toBeGreaterThanOrEqual(5_000);
    expect(client.received()).not.toContain("canary");
  });

  test("is told to those who follow the space, its own connection too", async () => {
    await live.start();
    const client = await live.hello();
    client.send({ type: "subscribe", id: "s", space: shop });
    await client.next("subscribed");
    await client.next("changes");
    client.send({ type: "push", id: "1", space: shop, changes: [reading("a", NOW)] });
    const frames = [await client.nextText(), await client.nextText()];
    expect(frames.some((text) => text.startsWith('{"type":"results","id":"1"'))).toBe(true);
    expect(frames.some((text) => text.startsWith('{"type":"changes"'))).toBe(true);
  });
});
