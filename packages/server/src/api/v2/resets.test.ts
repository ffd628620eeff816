import type { SpaceId, Stamp } from "@synchro/core";
import type { WirePullAnswer } from "@synchro/protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../../../testing/start-test-server.ts";
import {
  type Query,
  deletion,
  pull,
  push,
  reading,
  shop,
  sync,
} from "../../../testing/v2-requests.ts";
import { VirtualTime } from "../../../testing/virtual-time.ts";
import { createCollectionRegistry } from "../../collections/collection-registry.ts";
import { MemoryDisk } from "../../store/memory/memory-disk.ts";
import { MemoryStore } from "../../store/memory/memory-store.ts";

const NOW = "2026-11-24T10:00:00Z";

let disk: MemoryDisk;
let time: VirtualTime;
let server: TestServer;
const open = async (collections = {}): Promise<void> => {
  server = await startTestServer({
    runtime: time.runtime,
    registry: createCollectionRegistry(collections),
    openStore: (options) => new MemoryStore(options, disk),
  });
};
beforeEach(async () => {
  time = new VirtualTime();
  disk = new MemoryDisk();
  await open();
});
afterEach(() => server.stop());

/** Stops the server and starts it again, perhaps over other data. */
const restart = async (spaces = disk.spaces, collections = {}): Promise<void> => {
  await server.stop();
  disk.spaces = spaces;
  await open(collections);
};

const keysOf = ({ changes }: Pick<WirePullAnswer, "changes">): readonly string[] =>
  changes.map(({ key }) => key);

/** Deletes what was deleted until now for good. */
const purge = async (): Promise<void> => {
  await time.advance(1_000);
  const outcome = await server.store.purge(shop as SpaceId, time.runtime.now());
  expect(outcome.purged).toBeGreaterThan(0);
};

const put = (...keys: readonly string[]) =>
  push(
    server,
    keys.map((key) => reading(key, NOW)),
  );

describe("offer", () => {
  test.each([
    ["no cursor of ours", { cursor: "?" }],
    ["another epoch's", { cursor: "c1.0123456789abcdef0123.1.-.*" }],
    ["no ack of ours", { ack: "?" }],
    ["another epoch's ack", { ack: "a1.0123456789abcdef0123.1" }],
    ["a cursor in place of the ack", { ack: "c1.0123456789abcdef0123.1.-.*" }],
  ])("[RESET-2] for %s, as the first page of a run from the beginning", async (_, query: Query) => {
    await put("a", "b");
    const answer = await pull(server, { ...query, limit: 1 });
    expect(answer).toMatchObject({ reset: "offer", more: true, changes: [{ key: "a" }] });
    const { cursor } = answer;
    const next = await pull(server, { cursor: cursor ?? "", tombstones: true });
    expect(next).not.toHaveProperty("reset");
    expect(keysOf(next)).toEqual(["b"]);
  });

  test("[RESET-2] for a cursor and for an ack above the head, as after a restore", async () => {
    await put("a");
    const backup = disk.spaces;
    const { ack = "" } = await put("b");
    const { cursor } = await pull(server);
    await restart(backup);
    expect(await pull(server, { cursor: cursor ?? "" })).toMatchObject({ reset: "offer" });
    expect(await pull(server, { ack })).toMatchObject({ reset: "offer" });
    // Others have written: the head is where it was, and the epoch is another.
    await put("c");
    expect(await pull(server, { cursor: cursor ?? "" })).toMatchObject({ reset: "offer" });
    expect(await sync(server, { ack, changes: [] })).toMatchObject({ reset: "offer" });
  });

  test("[EPOCH-3] for a position between two pages, if what it has seen is gone", async () => {
    await put("a", "b", "c");
    const backup = disk.spaces;
    await put("d");
    const { cursor, more } = await pull(server, { limit: 1 });
    expect(more).toBe(true);
    await restart(backup);
    expect(await pull(server, { cursor: cursor ?? "" })).toMatchObject({ reset: "offer" });
  });

  test("[RESET-3] for any cursor and any ack in a space that does not exist", async () => {
    await put("a");
    const { cursor } = await pull(server);
    const empty = { changes: [], cursor: null, more: false, digest: { at: 0 } };
    const reset = { ...empty, reset: "offer" };
    expect(await pull(server, { cursor: cursor ?? "" }, "nowhere")).toMatchObject(reset);
    expect(await pull(server, { ack: "a1.x.0" }, "nowhere")).toMatchObject(reset);
    expect(await pull(server, {}, "nowhere")).not.toHaveProperty("reset");
  });

  test("[RESET-8] judges the ack beside a null cursor, and a valid one resets nobody", async () => {
    const { ack = "" } = await put("a");
    expect(await sync(server, { cursor: null, ack })).not.toHaveProperty("reset");
    expect(await sync(server, { cursor: null, ack: "?" })).toMatchObject({ reset: "offer" });
  });

  test("[RESET-7] sends every tombstone: on the answer itself, and where the request says so", async () => {
    await put("a", "b", "c");
    await push(
      server,
      ["a", "b", "c"].map((key) => deletion(key, NOW.replace("Z", ".1Z"))),
    );
    expect(keysOf(await pull(server))).toEqual([]);
    const first = await pull(server, { cursor: "?", limit: 1 });
    expect(first).toMatchObject({ reset: "offer", changes: [{ key: "a", deleted: true }] });
    const cursor = first.cursor ?? "";
    expect(keysOf(await pull(server, { cursor, limit: 1, tombstones: true }))).toEqual(["b"]);
    expect(keysOf(await pull(server, { cursor, limit: 1 }))).toEqual([]);
    expect(keysOf(await pull(server, { tombstones: true }))).toEqual(["a", "b", "c"]);
  });

  test("[EPOCH-4] not after a restart, neither before the first write nor after", async () => {
    const { ack = "" } = await put("a");
    const { cursor } = await pull(server);
    const position = { cursor: cursor ?? "", ack };
    await restart();
    expect(await pull(server, position)).not.toHaveProperty("reset");
    await put("b");
    const answer = await pull(server, position);
    expect(answer).not.toHaveProperty("reset");
    expect(keysOf(answer)).toEqual(["b"]);
  });
});

describe("drop", () => {
  test("[RESET-4] [PULL-10] for another set of collections, and never for order, repeats or a new declaration", async () => {
    await put("a");
    const cursorOf = async (query: Query): Promise<string> =>
      (await pull(server, query)).cursor ?? "";
    const all = await cursorOf({});
    const both = await cursorOf({ collections: "readings,batches" });
    const one = await cursorOf({ collections: "readings" });
    const cases: readonly (readonly [string, Query, boolean])[] = [
      [all, {}, false],
      [all, { collections: "readings,batches" }, true],
      [both, { collections: "batches,readings,batches" }, false],
      [both, {}, true],
      [both, { collections: "readings" }, true],
      [one, { collections: "readings,readings" }, false],
      [one, { collections: "batches" }, true],
    ];
    for (const [cursor, query, isReset] of cases) {
      const answer = await pull(server, { ...query, cursor });
      expect([cursor, query, answer.reset]).toEqual([cursor, query, isReset ? "drop" : undefined]);
      if (isReset && query["collections"] !== "batches") expect(keysOf(answer)).toEqual(["a"]);
    }
    await restart(disk.spaces, { more: { schema: {} } });
    expect(await pull(server, { cursor: all })).not.toHaveProperty("reset");
  });

  test("[RESET-5] for a cursor below the purge floor, and not for one at it", async () => {
    await put("a", "b");
    const { cursor: before } = await pull(server);
    await push(server, [deletion("a", NOW.replace("Z", ".1Z"))]);
    const { cursor: after } = await pull(server);
    await purge();
    const answer = await pull(server, { cursor: before ?? "" });
    expect(answer).toMatchObject({ reset: "drop" });
    expect(keysOf(answer)).toEqual(["b"]);
    expect(await pull(server, { cursor: after ?? "" })).not.toHaveProperty("reset");
  });

  test("[RESET-5] not for a first sync that a purge has overtaken: it ends", async () => {
    await put("a", "b", "c");
    await push(server, [deletion("c", NOW.replace("Z", ".1Z"))]);
    const first = await pull(server, { limit: 1 });
    await purge();
    const second = await pull(server, { cursor: first.cursor ?? "", limit: 1 });
    expect(second).not.toHaveProperty("reset");
    expect(keysOf(second)).toEqual(["b"]);
    expect(second.more).toBe(false);
  });

  test("[RESET-1] stands behind offer where both are due", async () => {
    await put("a");
    const { cursor } = await pull(server, { collections: "readings" });
    expect(await pull(server, { cursor: cursor ?? "", ack: "?" })).toMatchObject({
      reset: "offer",
    });
  });

  test("[RESET-7] sends no tombstone of before, unless the request asks for them", async () => {
    await put("a");
    await push(server, [deletion("a", NOW.replace("Z", ".1Z"))]);
    const cursor = (await pull(server, { collections: "readings" })).cursor ?? "";
    const dropped = await pull(server, { cursor });
    expect(dropped).toMatchObject({ reset: "drop", changes: [] });
    const offering = await pull(server, { cursor, tombstones: true });
    expect(offering).toMatchObject({ reset: "drop", changes: [{ key: "a", deleted: true }] });
  });
});

describe("beside changes", () => {
  test("[RESET-9] they are judged and answered as ever", async () => {
    await put("a");
    const changes = [reading("a", "2026-11-24T08:00:00Z"), reading("b", NOW), reading("c", "x")];
    const answer = await sync(server, { cursor: "?", ack: "?", changes });
    expect(answer).toMatchObject({
      reset: "offer",
      results: [{ superseded: 1 }, { seq: 2 }, { rejected: { code: "bad_stamp" } }],
      changes: [{ key: "a", seq: 1 }],
      ack: expect.any(String),
    });
  });

  test("[RESET-1] a push alone is not reset, and leaves an ack that is not valid here for a pull to judge", async () => {
    const { ack: own = "" } = await put("a");
    const ack = "a1.0123456789abcdef0123.9";
    const answer = await sync(server, { ack, changes: [reading("b", NOW)], pull: false });
    expect(answer).not.toHaveProperty("reset");
    expect(answer).toMatchObject({ ack, results: [{ seq: 2 }] });
    expect(await pull(server, { ack })).toMatchObject({ reset: "offer" });
    const valid = await sync(server, { ack: own, changes: [reading("c", NOW)], pull: false });
    expect(valid.ack).not.toBe(own);
    expect(await pull(server, { ack: valid.ack ?? "" })).not.toHaveProperty("reset");
  });
});

test("[PURGE-5] [PURGE-6] after a purge an old edit of what is gone is stale, an old delete settles with seq 0", async () => {
  await put("a");
  await push(server, [deletion("a", NOW.replace("Z", ".1Z"))]);
  await purge();
  const stamp = NOW.replace("Z", ".05Z");
  const { results, changes } = await sync(server, {
    changes: [
      reading("a", stamp),
      deletion("b", stamp),
      reading("c", formatLater(time.runtime.now())),
    ],
  });
  expect(results).toMatchObject([
    { rejected: { code: "stale", path: "/updated_at" } },
    { seq: 0 },
    { seq: 3 },
  ]);
  expect(changes).toEqual([]);
});

/** A second after a stamp of the server's clock, as the wire has it. */
function formatLater(stamp: Stamp): string {
  return stamp.replace(
    /:(\d\d)\.\d{6}Z$/,
    (_, seconds: string) => `:${String(Number(seconds) + 1).padStart(2, "0")}Z`,
  );
}
