import type { Stamp } from "@synchro/core";
import { parseStamp } from "@synchro/core";
import type { WireEvidenceList, WireHistoryList, WireRejectionList } from "@synchro/protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../../../testing/start-test-server.ts";
import {
  deletion,
  get,
  postSync,
  problemOf,
  push,
  reading,
  shop,
  sync,
} from "../../../testing/v2-requests.ts";
import { createCollectionRegistry } from "../../collections/collection-registry.ts";
import { systemRuntime } from "../../system-runtime.ts";

const NOON = "2026-11-24T12:00:00Z";
const older = "2026-11-24T09:00:00Z";
const newer = "2026-11-24T10:00:00Z";
const newest = "2026-11-24T11:00:00Z";
const value = { expiration_date: "2026-12-01" };

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer({
    runtime: { ...systemRuntime, now: () => parseStamp(NOON) as Stamp },
    registry: createCollectionRegistry({
      batches: { history: true },
      plain: { schema: { type: "object" } },
    }),
  });
});
afterEach(async () => {
  await server.stop();
});

const list = async (path: string, space = shop): Promise<unknown> => {
  const reply = await get(server, `/v2/spaces/${space}/${path}`);
  expect([reply.status, reply.text]).toEqual([200, expect.any(String)]);
  expect(reply.headers.get("cache-control")).toBe("no-store");
  return reply.json;
};
const evidence = async (query = "collection=readings"): Promise<WireEvidenceList["evidence"]> =>
  ((await list(`evidence?${query}`)) as WireEvidenceList).evidence;
const rejections = async (query = ""): Promise<WireRejectionList["rejections"]> =>
  ((await list(`rejections?${query}`)) as WireRejectionList).rejections;
const history = async (query: string): Promise<WireHistoryList["versions"]> =>
  ((await list(`history?collection=batches&${query}`)) as WireHistoryList).versions;

const batch = (key: string, updatedAt: string, quantity: number) => ({
  ...reading(key, updatedAt),
  collection: "batches",
  value: { ...value, gtin: "1", quantity },
});

describe("evidence", () => {
  test("[EVID-6] [EVID-1] [EVID-2] what lost and what was overwritten, the newest first", async () => {
    await push(server, [reading("a", newer, { author: "ann" })]);
    await sync(server, { client_id: "c1", changes: [reading("a", older)] });
    await sync(server, { client_id: "c2", changes: [reading("a", newest, { author: "bob" })] });
    await sync(server, { client_id: "c3", changes: [{ ...deletion("a", NOON), base: 2 }] });
    await sync(server, { client_id: "c4", changes: [deletion("a", older)] });
    expect(await evidence()).toEqual([
      {
        reason: "superseded",
        collection: "readings",
        key: "a",
        updated_at: older,
        deleted: true,
        client_id: "c4",
        kept_at: NOON,
      },
      {
        reason: "overwritten",
        collection: "readings",
        key: "a",
        updated_at: newer,
        value,
        author_unverified: "ann",
        client_id: "c2",
        kept_at: NOON,
      },
      {
        reason: "superseded",
        collection: "readings",
        key: "a",
        updated_at: older,
        value,
        client_id: "c1",
        kept_at: NOON,
      },
    ]);
  });

  test("[EVID-6] of one record or of a collection, at most limit", async () => {
    for (const key of ["a", "b", "c&d"]) {
      await push(server, [reading(key, newer)]);
      await push(server, [reading(key, newest)]);
    }
    await push(server, [batch("a", newer, 1)]);
    await push(server, [batch("a", newest, 2)]);
    const keys = async (query: string) => (await evidence(query)).map(({ key }) => key);
    expect(await keys("collection=readings")).toEqual(["c&d", "b", "a"]);
    expect(await keys("collection=readings&limit=2")).toEqual(["c&d", "b"]);
    expect(await keys("collection=readings&key=b")).toEqual(["b"]);
    expect(await keys(`collection=readings&key=${encodeURIComponent("c&d")}`)).toEqual(["c&d"]);
    expect(await keys("collection=readings&key=")).toEqual(["c&d", "b", "a"]);
    expect(await keys("collection=readings&key=none")).toEqual([]);
    expect(await keys("collection=batches")).toEqual(["a"]);
  });

  test("[EVID-6] is of the push: a request that is refused leaves none", async () => {
    await push(server, [reading("a", newer)]);
    const changes = [reading("a", older), reading("b", "x"), reading("b", newer)];
    problemOf(await postSync(server, { changes }), 400);
    expect(await evidence()).toEqual([]);
    expect(await rejections()).toEqual([]);
  });
});

describe("rejections", () => {
  test("[EVID-6] [EVID-7] the newest first, with reason, client and text", async () => {
    const bad = { ...reading("a", older), value: {}, extra: [1] };
    await sync(server, { client_id: "c1", changes: [bad, reading("b", older)] });
    await sync(server, { changes: [7 as never] });
    expect(await rejections()).toEqual([
      {
        rejected: { code: "bad_change", message: "a change must be an object", path: "" },
        change: 7,
        client_id: null,
        kept_at: NOON,
      },
      {
        rejected: {
          code: "schema_mismatch",
          message: expect.stringContaining("expiration_date"),
          path: "/value/expiration_date",
        },
        change: bad,
        client_id: "c1",
        kept_at: NOON,
      },
    ]);
    expect(await rejections("client_id=c1")).toHaveLength(1);
    expect(await rejections("client_id=c2")).toEqual([]);
    expect(await rejections("client_id=&limit=1")).toMatchObject([{ change: 7 }]);
  });

  test("[EVID-8] [EVID-7] changes too large to keep are told apart, and each is kept once", async () => {
    const large = (key: string) => {
      const text = "x".repeat(70_000);
      return { ...reading(key, older), value: { ...value, quantity: -1, text } };
    };
    const changes = [large("a"), large("b")];
    await sync(server, { client_id: "c1", changes });
    await sync(server, { client_id: "c1", changes });
    const kept = await rejections();
    expect(kept).toHaveLength(2);
    for (const each of kept) expect(each).not.toHaveProperty("change");
  });

  test("[EVID-9] a stamp ahead is not among them", async () => {
    await push(server, [reading("a", "2030-01-01T00:00:00Z")]);
    expect(await rejections()).toEqual([]);
  });
});

describe("history", () => {
  test("every version of a record where its collection declares it, page by page", async () => {
    for (const [index, stamp] of [older, newer, newest].entries()) {
      await push(server, [batch("a", stamp, index), batch("b", stamp, index)]);
    }
    await push(server, [{ ...deletion("a", NOON, "batches"), author: "ann" }]);
    await push(server, [batch("a", older, 9)]);
    const all = await history("key=a");
    expect(all.map(({ seq }) => seq)).toEqual([7, 5, 3, 1]);
    expect(all[0]).toEqual({
      collection: "batches",
      key: "a",
      seq: 7,
      updated_at: NOON,
      deleted: true,
      author_unverified: "ann",
    });
    expect(all[3]).toMatchObject({ updated_at: older, value: { quantity: 0 } });
    const paged = [];
    let before = "";
    for (;;) {
      const page = await history(`key=a&limit=1${before}`);
      if (page.length === 0) break;
      expect(page).toHaveLength(1);
      paged.push(...page);
      before = `&before_seq=${page[0]?.seq}`;
    }
    expect(paged).toEqual(all);
    expect(await history("key=none")).toEqual([]);
  });

  test("is empty where the collection does not declare it", async () => {
    await push(server, [reading("a", older, { collection: "plain" })]);
    expect(await list("history?collection=plain&key=a")).toEqual({ versions: [] });
  });
});

describe("parameters", () => {
  test.each([
    ["evidence", "", "/collection"],
    ["evidence", "collection=", "/collection"],
    ["evidence", "collection=stock", "/collection"],
    ["evidence", "collection=toString", "/collection"],
    ["history", "key=a", "/collection"],
    ["history", "collection=batches", "/key"],
    ["history", "collection=batches&key=", "/key"],
    ["history", "collection=batches&key=a&before_seq=0", "/before_seq"],
    ["history", "collection=batches&key=a&before_seq=x", "/before_seq"],
    ["history", "collection=batches&key=a&before_seq=9007199254740993", "/before_seq"],
    ["rejections", "limit=0", "/limit"],
    ["rejections", "limit=-1", "/limit"],
    ["rejections", "limit=1.0", "/limit"],
    ["rejections", "limit=+1", "/limit"],
    ["rejections", "limit=1001", "/limit"],
    ["rejections", "limit=1&limit=2", "/limit"],
    ["evidence", "collection=readings&collection=batches", "/collection"],
  ])("[LIMIT-7] of %s: %j is 400 at %s", async (route, query, path) => {
    const reply = await get(server, `/v2/spaces/${shop}/${route}?${query}`);
    const problem = problemOf(reply, 400);
    expect(problem).toMatchObject({ code: "bad_request", errors: [{ path }] });
    expect(problem.errors?.[0]?.message).toContain(path.slice(1));
  });

  test.each(["evidence?collection=readings", "rejections", "history?collection=batches&key=a"])(
    "of a space that is none: %s is 404",
    async (path) => {
      problemOf(await get(server, `/v2/spaces/NO/${path}`), 404);
      const [empty] = Object.values((await list(path, "nowhere")) as object);
      expect(empty).toEqual([]);
    },
  );

  test("without a limit 100 are listed, and 1,000 at most", async () => {
    const changes = Array.from({ length: 150 }, (_, index) => reading(`k${index}`, "x"));
    await push(server, changes);
    expect(await rejections()).toHaveLength(100);
    expect(await rejections("limit=1000")).toHaveLength(150);
  });
});
