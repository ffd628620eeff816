import { rmSync } from "node:fs";
import { type CollectionName, parseStamp, type SpaceId, type Stamp } from "@synchro/core";
import type { V1Record } from "@synchro/protocol";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { openEvents } from "../../../testing/event-stream.ts";
import {
  startTestServer,
  type TestServer,
  type TestServerOptions,
} from "../../../testing/start-test-server.ts";
import { listV1, postV1, sent, shown, syncPath, syncV1 } from "../../../testing/v1-requests.ts";
import { deletion, get, problemOf, pull, push, reading } from "../../../testing/v2-requests.ts";
import { createCollectionRegistry } from "../../collections/collection-registry.ts";
import type { Config } from "../../config/define-config.ts";
import type { Authorize } from "../../service/authorize.ts";
import { MemoryStore } from "../../store/memory/memory-store.ts";
import { openSqliteStore } from "../../store/sqlite/open-sqlite-store.ts";
import { createDataDir, onFatal } from "../../store/sqlite/sqlite-harness.contract.ts";
import type { SpaceSnapshot, Store, StoreOptions } from "../../store/store.ts";
import { systemRuntime } from "../../system-runtime.ts";

const shop = "shop-1";
const monday = "2026-11-23T10:00:00Z";
const tuesday = "2026-11-24T10:00:00Z";
const wednesday = "2026-11-25T10:00:00Z";

let server: TestServer;

const start = async (options: TestServerOptions = {}): Promise<void> => {
  server = await startTestServer(options);
};

const store = (...records: readonly V1Record[]) =>
  syncV1(server, shop, { last_sync_date: "9999-01-01", newly_created_records: records });

const stored = async () => (await listV1(server, shop)).data;

type ShownEvidence = { readonly evidence: readonly { readonly [member: string]: unknown }[] };

/** What is kept of a gtin, as `reason updated_at expiration_date`, in any order. */
const evidenceOf = async (key: string): Promise<readonly string[]> => {
  const path = `/v2/spaces/${shop}/evidence?collection=readings&key=${key}`;
  const { evidence } = (await get(server, path)).json as ShownEvidence;
  return evidence
    .map((each) => {
      const value = each["value"] as { readonly expiration_date?: unknown } | undefined;
      return [each["reason"], each["updated_at"], value?.expiration_date ?? "deleted"].join(" ");
    })
    .toSorted();
};

/** A store whose snapshots yield one chunk and then fail; `open` counts those that are not closed. */
const failingAfterAChunk = (inner: Store, held: { open: number }): Store => {
  const failing = (snapshot: SpaceSnapshot): SpaceSnapshot => ({
    state: snapshot.state,
    lookup: (collection, keys) => snapshot.lookup(collection, keys),
    async *liveByStamp(collection, filter) {
      for await (const chunk of snapshot.liveByStamp(collection, filter)) {
        yield chunk;
        throw new Error("the disk is broken");
      }
    },
    close: async () => {
      held.open -= 1;
      await snapshot.close();
    },
  });
  return new Proxy(inner, {
    get: (target, name) => {
      const member = Reflect.get(target, name) as unknown;
      if (name === "openSnapshot") {
        return async (space: SpaceId) => {
          held.open += 1;
          return failing(await target.openSnapshot(space));
        };
      }
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
};

/** A store whose disk is full while `disk.isFull`. */
const withDisk = (inner: Store, disk: { isFull: boolean }): Store =>
  new Proxy(inner, {
    get: (target, name) => {
      const member = Reflect.get(target, name) as unknown;
      if (name === "push" && disk.isFull) return () => Promise.resolve({ kind: "full" });
      return typeof member === "function" ? member.bind(target) : member;
    },
  });

const postOnly = (body: unknown): Promise<Response> =>
  fetch(`${server.url}${syncPath(shop)}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });

describe("where the store can't go on", () => {
  afterEach(() => server.stop());

  test("an answer that fails halfway is cut, so that nobody takes it for a whole one", async () => {
    const held = { open: 0 };
    await start({ openStore: (options) => failingAfterAChunk(new MemoryStore(options), held) });
    await push(server, [reading("a", monday)], shop);
    for (const request of [
      () => fetch(`${server.url}/v1/readings/?shop=${shop}`),
      () => postOnly({ last_sync_date: "1970-01-01" }),
      () => postOnly({ cursor: "" }),
    ]) {
      // Before or after its headers have come: as both are sent at once, either may be.
      await expect(request().then((response) => response.text())).rejects.toThrow(
        /^(?:terminated|fetch failed)$/,
      );
    }
    await vi.waitFor(() => expect(held.open).toBe(0));
  });

  test("[V1-4] a full disk is 507 and nothing is applied; reads go on, and later the same request passes", async () => {
    const disk = { isFull: false };
    await start({ openStore: (options) => withDisk(new MemoryStore(options), disk) });
    await store(sent("a", monday));
    disk.isFull = true;
    const body = {
      last_sync_date: "1970-01-01",
      newly_created_records: [sent("a", tuesday), sent("b", tuesday)],
    };
    const problem = problemOf(await postV1(server, syncPath(shop), body), 507);
    expect(problem.code).toBe("storage_full");
    expect(await stored()).toEqual([shown("a", monday)]);
    const { data } = await syncV1(server, shop, { last_sync_date: "1970-01-01" });
    expect(data).toEqual([shown("a", monday)]);
    disk.isFull = false;
    expect((await syncV1(server, shop, body)).data).toEqual([]);
    expect(await stored()).toEqual([shown("a", tuesday), shown("b", tuesday)]);
  });
});

describe("who may", () => {
  afterEach(() => server.stop());

  /** Its token says what a caller may do. */
  const byToken: Authorize = ({ token }, _space, action) => {
    if (token === null) return Promise.resolve({ kind: "unauthorized" });
    if (token === "elsewhere") return Promise.resolve({ kind: "hidden" });
    if (token === "reader" && action === "write") return Promise.resolve({ kind: "forbidden" });
    return Promise.resolve({ kind: "allowed", subject: token });
  };

  const ask = (token: string | null, body: unknown): Promise<Response> =>
    fetch(`${server.url}${syncPath(shop)}`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify(body),
    });

  const withRecords = {
    last_sync_date: "1970-01-01",
    newly_created_records: [sent("a", monday)],
  };
  const without = { last_sync_date: "1970-01-01", newly_created_records: [] };

  test("a sync that sends records writes, one that sends none reads", async () => {
    await start({ authorize: byToken });
    expect((await ask(null, without)).status).toBe(401);
    expect((await ask("elsewhere", without)).status).toBe(404);
    expect((await ask("reader", withRecords)).status).toBe(403);
    const empty = await ask("reader", without);
    expect(await empty.json()).toMatchObject({ data: [], cursor: "" });
    expect((await ask("ann", withRecords)).status).toBe(200);
    expect(await (await ask("reader", without)).json()).toMatchObject({
      data: [shown("a", monday)],
    });
  });

  test("list and stream read", async () => {
    await start({ authorize: byToken });
    for (const path of ["/v1/readings/", "/v1/readings/stream"]) {
      for (const [token, status] of [
        ["elsewhere", 404],
        ["reader", 200],
      ] as const) {
        const headers = { authorization: `Bearer ${token}` };
        const response = await fetch(`${server.url}${path}?shop=${shop}`, { headers });
        expect(response.status).toBe(status);
        await response.body?.cancel();
      }
      expect((await fetch(`${server.url}${path}?shop=${shop}`)).status).toBe(401);
    }
  });

  test("the record carries its author's name, which was proven; in open mode none", async () => {
    await start({ authorize: byToken });
    await ask("ann", withRecords);
    const headers = { authorization: "Bearer reader" };
    const { json } = await get(server, `/v2/spaces/${shop}/changes`, headers);
    expect(json).toMatchObject({ changes: [{ key: "a", author: "ann" }] });
    await server.stop();
    await start();
    await store(sent("a", monday));
    const [record] = (await pull(server, {}, shop)).changes;
    expect(record).toMatchObject({ key: "a" });
    expect(record).not.toHaveProperty("author");
    expect(record).not.toHaveProperty("author_unverified");
  });
});

let dataDir: string;

const engines: readonly (readonly [string, (options: StoreOptions) => Store | Promise<Store>])[] = [
  ["memory", (options) => new MemoryStore(options)],
  [
    "SQLite",
    (options) =>
      openSqliteStore({ ...options, dataDir, writer: "worker", bytesMax: null, onFatal }),
  ],
];

describe.each(engines)("on %s", (_, openStore) => {
  beforeEach(async () => {
    dataDir = createDataDir();
    await start({ openStore, limits: { evidencePerRecordMax: 100 } });
  });
  afterEach(async () => {
    await server.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  test("[V1-6] [V1-21] what beats the records sent stands in its place, over several chunks of an answer", async () => {
    // Every third is before the cursor; of those every other is sent in an older version.
    const gtins = Array.from({ length: 3_000 }, (_each, n) => `${n}`.padStart(200, "0"));
    const stampOf = (n: number): string =>
      `2026-11-23T10:00:00.${String((n * 7919) % 3_000).padStart(6, "0")}Z`;
    const some = (isWanted: (n: number) => boolean): readonly (readonly [string, number])[] =>
      gtins.flatMap((gtin, n) => (isWanted(n) ? [[gtin, n] as const] : []));
    const isOld = (n: number): boolean => n % 3 === 0;
    const old = some(isOld).map(([gtin, n]) => sent(gtin, stampOf(n)));
    const { cursor = "" } = await syncV1(server, shop, {
      cursor: "",
      newly_created_records: old,
    });
    await store(...some((n) => !isOld(n)).map(([gtin, n]) => sent(gtin, stampOf(n))));
    const stale = some((n) => n % 6 === 0).map(([gtin]) => sent(gtin, "2026-11-01"));
    const answer = await syncV1(server, shop, { cursor, newly_created_records: stale });
    const expected = some((n) => !isOld(n) || n % 6 === 0)
      .map(([gtin, n]) => ({ gtin, order: (n * 7919) % 3_000 }))
      .toSorted((a, b) => b.order - a.order)
      .map(({ gtin }) => gtin);
    expect(answer.data.map(({ gtin }) => gtin)).toEqual(expected);
    expect((await syncV1(server, shop, { cursor: answer.cursor ?? "" })).data).toEqual([]);
  });

  test("[V1-4] [V1-9] of many that write one gtin at once the newest stands, and all others are told", async () => {
    const seconds = Array.from({ length: 30 }, (_each, n) => `${(n * 7) % 30}`.padStart(2, "0"));
    const answers = await Promise.all(
      seconds.map((second) =>
        store(
          sent("a", `2026-11-24T10:00:${second}Z`, `2026-12-${second === "00" ? 30 : second}`),
          sent(`own-${second}`, monday),
        ),
      ),
    );
    const newest = shown("a", "2026-11-24T10:00:29Z", "2026-12-29T00:00:00Z");
    const all = await stored();
    expect(all).toHaveLength(31);
    expect(all[0]).toEqual(newest);
    for (const [index, { data }] of answers.entries()) {
      // Either it was the newest when it came, or it was given one that is newer than its own.
      const own = `2026-11-24T10:00:${seconds[index]}Z`;
      expect(data.length).toBeLessThan(2);
      for (const record of data) {
        expect(record.gtin).toBe("a");
        expect(record.updated_at > own).toBe(true);
      }
    }
    expect(await evidenceOf("a")).toHaveLength(29);
  });

  test("[V1-25] evidence is kept of each live version that a request replaces, those of the same request too", async () => {
    await store(sent("a", monday, "2026-12-01"));
    await store(
      sent("a", tuesday, "2026-12-02"),
      sent("a", "2026-11-01", "2026-12-03"),
      sent("a", wednesday, "2026-12-04"),
    );
    expect(await evidenceOf("a")).toEqual([
      `overwritten ${monday} 2026-12-01`,
      `overwritten ${tuesday} 2026-12-02`,
      "superseded 2026-11-01T00:00:00Z 2026-12-03",
    ]);
  });

  test("[V1-25] evidence is kept of a record with the stored one's stamp and other content, once", async () => {
    await store(sent("a", tuesday, "2026-12-02"));
    for (let again = 0; again < 3; again += 1) await store(sent("a", tuesday, "2026-12-01"));
    expect(await evidenceOf("a")).toEqual([`superseded ${tuesday} 2026-12-01`]);
  });

  test("[V1-17] [V1-25] none is kept of a deleted record that is created again", async () => {
    await push(server, [reading("a", "2026-11-20")], shop);
    await push(server, [{ ...deletion("a", monday), base: 1 }], shop);
    await store(sent("a", tuesday));
    expect(await stored()).toEqual([shown("a", tuesday)]);
    expect(await evidenceOf("a")).toEqual([]);
  });

  test("a stored value without a date, as of an older schema, is shown with null, in every answer", async () => {
    const { cursor = "" } = await store(sent("b", monday));
    const readings = "readings" as CollectionName;
    await server.store.push({
      space: shop as SpaceId,
      clientId: null,
      checksClocks: false,
      now: systemRuntime.now(),
      changes: [
        {
          kind: "assign",
          collection: readings,
          key: "a",
          stamp: parseStamp(tuesday) as Stamp,
          author: null,
          members: { note: "undated" },
        },
      ],
    });
    const undated = { gtin: "a", updated_at: tuesday, expiration_date: null };
    expect(await stored()).toEqual([undated, shown("b", monday)]);
    expect((await syncV1(server, shop, { cursor })).data).toEqual([undated]);
    const stream = await openEvents(`${server.url}/v1/readings/stream?shop=${shop}`, {
      "last-event-id": cursor,
    });
    expect((await stream.next())?.data).toBe(JSON.stringify({ data: [undated] }));
    stream.close();
    // A date that is sent fills it in, and an older one gets to know it as it is.
    expect(await store(sent("a", monday))).toMatchObject({ data: [undated] });
    expect(await store(sent("a", wednesday))).toMatchObject({ data: [] });
    expect(await stored()).toEqual([shown("a", wednesday), shown("b", monday)]);
  });

  test("the readings sent are counted, those that are not shown are not", async () => {
    await store(sent("a", monday), sent("b", monday));
    await stored();
    await syncV1(server, shop, {
      last_sync_date: "1970-01-01",
      newly_created_records: [sent("a", monday)],
    });
    const stream = await openEvents(`${server.url}/v1/readings/stream?shop=${shop}`);
    await stream.next();
    stream.close();
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    expect(metrics).toContain('synchro_records_total{direction="sent"} 5');
  });
});

test("[V1-24] readings is last-write, and no configuration changes that", () => {
  // As a configuration may say it that no compiler has read.
  const collections: object = { readings: { merge: "fields" } };
  expect(() => createCollectionRegistry(collections as Config["collections"])).toThrow(
    "readings is built in",
  );
  expect(createCollectionRegistry().get("readings")?.merge).toBe("last-write");
});
