import { setTimeout as sleep } from "node:timers/promises";
import { canonicalJson } from "@synchro/core";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../../../server/testing/start-test-server.ts";
import { collection, toServerCollection } from "../collection/collection.ts";
import { t } from "../collection/t.ts";
import { openMemoryStore } from "../store/memory/open-memory-store.ts";
import { type Client, createClient } from "./create-client.ts";

const articles = collection("articles", {
  key: "sku",
  fields: {
    sku: t.string(),
    name: t.string(),
    shelf: t.string().optional(),
    note: t.string().optional(),
    most: t.integer().optional(),
    tags: t.array(t.string()).optional(),
  },
  merge: "fields",
  functions: { most: "max", tags: "union" },
});

type ArticlesClient = Client<{ articles: typeof articles }>;

let server: TestServer;
const clients: ArticlesClient[] = [];

beforeEach(async () => {
  server = await startTestServer({ collections: { articles: toServerCollection(articles) } });
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  await server.stop();
});

/** A device whose network can be taken away. */
const openDevice = () => {
  const network = { isThere: true };
  const fetch: typeof globalThis.fetch = (...parts) =>
    network.isThere ? globalThis.fetch(...parts) : Promise.reject(new TypeError("no network"));
  const client = createClient({
    url: server.url,
    space: "malmo-1",
    collections: { articles },
    openStore: openMemoryStore,
    fetch,
    onError: (error) => {
      throw error;
    },
  });
  clients.push(client);
  return {
    client,
    leave: () => {
      network.isThere = false;
    },
    comeBack: () => {
      network.isThere = true;
      client.sync();
    },
  };
};

const until = async (holds: () => Promise<boolean>): Promise<void> => {
  while (!(await holds())) await sleep(5);
};

const atRest = (client: ArticlesClient): Promise<void> =>
  until(() => {
    const { state, pending } = client.status.get();
    return Promise.resolve(state === "live" && pending === 0);
  });

const rowsOf = async (client: ArticlesClient): Promise<string> => {
  const rows = await client.articles.get();
  return canonicalJson(rows.toSorted((a, b) => (a.sku < b.sku ? -1 : 1)));
};

const agree = (a: ArticlesClient, b: ArticlesClient): Promise<void> =>
  until(async () => (await rowsOf(a)) === (await rowsOf(b)));

const milk = { sku: "1", name: "Milk" };

describe("[CLIENT-29] [CLIENT-30] two devices that edit one record", () => {
  test("each keep their field, whoever comes first", async () => {
    const [a, b] = [openDevice(), openDevice()];
    await a.client.articles.put(milk).synced;
    await until(async () => (await b.client.articles.find("1")) !== null);
    b.leave();
    const mine = b.client.articles.update("1", { note: "damaged", most: 3 });
    await mine.local;
    await a.client.articles.update("1", { shelf: "B", most: 7, tags: ["cold"] }).synced;
    b.comeBack();
    expect(await mine.synced).toEqual({ outcome: "merged" });
    const both = { sku: "1", name: "Milk", shelf: "B", note: "damaged", most: 7, tags: ["cold"] };
    for (const { client } of [a, b]) {
      await until(async () => (await client.articles.find("1"))?.shelf === "B");
      await atRest(client);
      await until(async () => (await client.articles.find("1"))?.note === "damaged");
      expect(await client.articles.find("1")).toEqual(both);
    }
  });

  test("see a field go that one has removed, and a record that one has deleted", async () => {
    const [a, b] = [openDevice(), openDevice()];
    await a.client.articles.put({ ...milk, shelf: "A", note: "old" }).synced;
    await until(async () => (await b.client.articles.find("1")) !== null);
    await b.client.articles.update("1", { note: undefined }).synced;
    await until(async () => !Object.hasOwn((await a.client.articles.find("1")) ?? {}, "note"));
    expect(await a.client.articles.find("1")).toEqual({ ...milk, shelf: "A" });
    // A deletion ends the life: what was edited in it meanwhile is gone with it, and told so.
    b.leave();
    const late = b.client.articles.update("1", { shelf: "C" });
    await late.local;
    await a.client.articles.delete("1").synced;
    b.comeBack();
    expect(await late.synced).toEqual({ outcome: "superseded" });
    await until(async () => (await b.client.articles.find("1")) === null);
    // And one that is made again is a new one, which takes nothing of the old.
    await b.client.articles.put(milk).synced;
    await until(async () => (await a.client.articles.find("1")) !== null);
    expect(await a.client.articles.find("1")).toEqual(milk);
  });

  test("are told of an update of what is not there, or would not be whole, and nothing is written", async () => {
    const { client } = openDevice();
    await expect(client.articles.update("9", { shelf: "A" }).local).rejects.toThrow(/not there/);
    await client.articles.put(milk).synced;
    const broken = client.articles.update("1", { name: undefined });
    await expect(broken.local).rejects.toThrow(/name/);
    const shrunk = client.articles.update("1", { tags: undefined });
    await expect(shrunk.local).rejects.toThrow(/^articles: tags can't be removed.* union$/);
    expect(await client.articles.find("1")).toEqual(milk);
    expect(await client.outbox.list()).toHaveLength(0);
  });
});

const field = fc.record(
  {
    name: fc.constantFrom("Milk", "Butter"),
    shelf: fc.constantFrom("A", "B", undefined),
    note: fc.constantFrom("x", undefined),
    most: fc.integer({ min: 0, max: 9 }),
    tags: fc.subarray(["cold", "new", "sale"]),
  },
  { requiredKeys: [] },
);

const step = fc.record({
  device: fc.nat(2),
  kind: fc.constantFrom("update", "update", "update", "put", "delete", "leave", "comeBack"),
  sku: fc.constantFrom("1", "2"),
  changes: field,
});

test("[FIELDS-15] devices that come and go end with the same rows, and nothing is refused", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      const devices = [openDevice(), openDevice(), openDevice()];
      const [first, ...others] = devices;
      if (first === undefined) return;
      for (const { device, kind, sku, changes } of steps) {
        const { client, leave, comeBack } = devices[device] ?? first;
        if (kind === "leave") leave();
        else if (kind === "comeBack") comeBack();
        else if (kind === "delete") await client.articles.delete(sku).local;
        else if (kind === "put") await client.articles.put({ sku, name: "Milk" }).local;
        else await client.articles.update(sku, changes).local.catch(() => {});
      }
      for (const { comeBack } of devices) comeBack();
      for (const { client } of devices) await atRest(client);
      for (const { client } of others) await agree(first.client, client);
      for (const { client } of devices) {
        expect(client.status.get()).toMatchObject({ pending: 0, rejected: 0, diverged: [] });
        await client.close();
      }
    }),
    { seed: 20_261_124, numRuns: 25 },
  );
});
