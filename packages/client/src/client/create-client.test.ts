import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Stamp } from "@synchro/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  startTestServer,
  type TestServer,
  type TestServerOptions,
} from "../../../server/testing/start-test-server.ts";
import { collection } from "../collection/collection.ts";
import { t } from "../collection/t.ts";
import { ClientDisk } from "../store/memory/client-disk.ts";
import { openMemoryStore } from "../store/memory/open-memory-store.ts";
import { openNodeSqliteStore } from "../store/node-sqlite/open-node-sqlite-store.ts";
import { webRuntime } from "../runtime/web-runtime.ts";
import type { OpenStore } from "./client-core.ts";
import {
  type Client,
  type ClientOptions,
  type Collections,
  createClient,
} from "./create-client.ts";
import type { Status } from "./status.ts";

const readings = collection("readings", {
  key: "gtin",
  fields: { gtin: t.string(), expiration_date: t.date(), quantity: t.integer().optional() },
});

type Readings = { readings: typeof readings };
type ReadingsClient = Client<Readings>;

let server: TestServer;
const clients: ReadingsClient[] = [];

const restart = async (options: TestServerOptions = {}): Promise<void> => {
  server = await startTestServer(options);
};

const open = (options: Partial<ClientOptions<Readings>> = {}): ReadingsClient => {
  const client = createClient({
    url: server.url,
    space: "malmo-1",
    collections: { readings },
    openStore: openMemoryStore,
    onError: (error) => {
      throw error;
    },
    ...options,
  });
  clients.push(client);
  return client;
};

/** The same space, with other collections. */
const elsewhere = () => ({ url: server.url, space: "malmo-1", openStore: openMemoryStore });

const milk = { gtin: "7311041048955", expiration_date: "2026-12-01" };

const until = async (
  client: ReadingsClient,
  holds: (status: Status) => boolean,
): Promise<Status> => {
  for (;;) {
    const status = client.status.get();
    if (holds(status)) return status;
    await sleep(5);
  }
};

const isLive = ({ state }: Status): boolean => state === "live";

const seen = async (client: ReadingsClient, key: string, quantity: number): Promise<void> => {
  while ((await client.readings.find(key))?.quantity !== quantity) await sleep(5);
};

beforeEach(() => restart());
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  await server.stop();
});

describe("what can't be", () => {
  test.each([
    ["a bad space", { space: "Malmö" }, /^space: /],
    ["a bad address", { url: "ftp://x" }, /url/],
    ["a name of the client's own", { collections: { status: readings } }, /^collections\.status: /],
    ["no place to keep data in", { openStore: undefined as never }, /^openStore: /],
    ["a collection twice", { collections: { a: readings, b: readings } }, /stands there twice/],
  ])("%s is refused at once", (_, options, message) => {
    const all: ClientOptions<Collections> = { ...elsewhere(), collections: {} };
    expect(() => createClient<Collections>({ ...all, ...options })).toThrow(message);
  });

  test("a value that breaks the declaration is refused by its field, and nothing is written", async () => {
    const client = open();
    expect(() => client.readings.put({ ...milk, expiration_date: "soon" })).toThrow(
      /^readings: expiration_date must be an ISO 8601 date/,
    );
    expect(() => client.readings.put({ ...milk, quantity: 1.5 })).toThrow(
      /quantity must be an integer/,
    );
    expect(() => client.readings.delete("")).toThrow(/the key/);
    expect(await client.readings.get()).toEqual([]);
    expect(await client.outbox.list()).toEqual([]);
  });

  test("a store that can't be opened is told: in the status, and to whoever writes", async () => {
    const client = open({ openStore: () => Promise.reject(new Error("no room for a database")) });
    const write = client.readings.put(milk);
    await expect(write.local).rejects.toThrow("no room for a database");
    await expect(write.synced).rejects.toThrow("no room for a database");
    expect(await until(client, ({ state }) => state === "broken")).toMatchObject({
      reason: "no room for a database",
    });
  });

  test("an edit that finds no room is not said to be kept, and the status says so until one is", async () => {
    const disk = new ClientDisk();
    const client = open({ openStore: (options) => openMemoryStore({ ...options, disk }) });
    await until(client, isLive);
    disk.isFull = true;
    await expect(client.readings.put(milk).local).rejects.toMatchObject({ code: "full" });
    expect(client.status.get().writeError).toMatch(/room/);
    disk.isFull = false;
    await client.readings.put(milk).local;
    expect(client.status.get().writeError).toBeNull();
  });

  test("data of one space are never taken for another's", async () => {
    const disk = new ClientDisk();
    const openStore: OpenStore = (options) => openMemoryStore({ ...options, disk });
    const first = open({ openStore });
    await until(first, isLive);
    await first.close();
    const second = open({ openStore, space: "lund-1" });
    expect(await until(second, ({ state }) => state === "broken")).toMatchObject({
      reason: expect.stringContaining("malmo-1") as string,
    });
  });
});

describe("an edit", () => {
  test("is there at once, on the server soon, and then on every other device", async () => {
    const [a, b] = [open(), open()];
    const rows: unknown[] = [];
    b.readings
      .where({ expiration_date: { lte: "2026-12-31" } })
      .orderBy("expiration_date")
      .subscribe((list) => rows.push(list));
    await until(b, isLive);
    const write = a.readings.put({ ...milk, quantity: 3 });
    expect(await write.local).toBe(1);
    expect(await a.readings.find(milk.gtin)).toEqual({ ...milk, quantity: 3 });
    expect(await write.synced).toEqual({ outcome: "applied" });
    await seen(b, milk.gtin, 3);
    while (rows.length < 2) await sleep(5);
    expect(rows).toEqual([[], [{ ...milk, quantity: 3 }]]);
    await a.readings.delete(milk.gtin).synced;
    while (rows.length < 3) await sleep(5);
    expect(rows.at(-1)).toEqual([]);
    expect(await b.readings.find(milk.gtin)).toBeNull();
  });

  test("without a network waits, and reads see it all the same", async () => {
    const isAway = { now: true };
    const fetch: typeof globalThis.fetch = (...parts) =>
      isAway.now ? Promise.reject(new TypeError("no network")) : globalThis.fetch(...parts);
    const client = open({ fetch });
    const write = client.readings.put(milk);
    await write.local;
    expect(await client.readings.get()).toEqual([milk]);
    const status = await until(
      client,
      ({ state, pending }) => state === "waiting" && pending === 1,
    );
    expect(status).toMatchObject({ obstacle: { kind: "unreachable" }, lastSyncedAt: null });
    isAway.now = false;
    client.sync();
    expect(await write.synced).toEqual({ outcome: "applied" });
    await until(client, ({ pending, lastSyncedAt }) => pending === 0 && lastSyncedAt !== null);
  });

  test("[CLIENT-5] that is refused is told, kept with its reason, blocks no other, and can be mended", async () => {
    // The server asks for more than this client knows.
    const strict = collection("readings", { key: "gtin", fields: { gtin: t.string() } });
    const client = createClient({ ...elsewhere(), collections: { strict } });
    const bad = client.strict.put({ gtin: "1" });
    await expect(bad.synced).rejects.toMatchObject({
      name: "WriteRefusedError",
      code: "schema_mismatch",
      path: "/value/expiration_date",
    });
    const good = { gtin: "2", expiration_date: "2026-12-01" };
    await client.strict.put(good).synced;
    const [letter, ...others] = await client.outbox.list();
    expect(others).toEqual([]);
    expect(letter).toMatchObject({
      key: "1",
      state: "rejected",
      rejection: { code: "schema_mismatch" },
    });
    while (client.status.get().rejected !== 1) await sleep(5);
    expect(await client.outbox.export()).toContain('"code":"schema_mismatch"');
    await expect(client.destroy()).rejects.toMatchObject({ name: "UnsentWorkError", rejected: 1 });
    expect(await client.outbox.retry(letter?.id ?? 0, { expiration_date: "2026-12-02" })).toBe(
      "retried",
    );
    while ((await client.outbox.list()).length > 0) await sleep(5);
    expect(await client.strict.find("1")).toMatchObject({
      gtin: "1",
      expiration_date: "2026-12-02",
    });
    await client.destroy();
  });

  test("keeps members that this program does not declare", async () => {
    const newer = collection("readings", {
      key: "gtin",
      fields: { gtin: t.string(), expiration_date: t.date(), note: t.string() },
    });
    const other = createClient({ ...elsewhere(), collections: { newer } });
    await other.newer.put({ ...milk, note: "top shelf" }).synced;
    const client = open();
    await until(client, isLive);
    await client.readings.put({ ...milk, quantity: 2 }).synced;
    while (!("quantity" in ((await other.newer.find(milk.gtin)) ?? {}))) await sleep(5);
    expect(await other.newer.find(milk.gtin)).toEqual({ ...milk, quantity: 2, note: "top shelf" });
    await other.close();
  });

  test("[CLIENT-1] made while another of the same record is on its way is a change of its own, sent when that is answered", async () => {
    const gate = { isOpen: false };
    let underway = 0;
    let most = 0;
    const fetch: typeof globalThis.fetch = async (...parts) => {
      const isPush = parts[1]?.method === "POST";
      if (isPush) underway += 1;
      most = Math.max(most, underway);
      const response = await globalThis.fetch(...parts);
      while (!gate.isOpen) await sleep(5);
      if (isPush) underway -= 1;
      return response;
    };
    const client = open({ fetch });
    const first = client.readings.put({ ...milk, quantity: 1 });
    await first.local;
    await sleep(100);
    const second = client.readings.put({ ...milk, quantity: 2 });
    expect(await second.local).not.toBe(await first.local);
    gate.isOpen = true;
    expect(await first.synced).toEqual({ outcome: "applied" });
    expect(await second.synced).toEqual({ outcome: "applied" });
    expect(most).toBe(1);
    const other = open();
    await until(other, isLive);
    expect(await other.readings.find(milk.gtin)).toMatchObject({ quantity: 2 });
  });

  test("carries its author when a shared device changes hands", async () => {
    const client = open({ author: "ann" });
    await client.readings.put(milk).synced;
    client.setAuthor("bo");
    await client.readings.put({ ...milk, gtin: "2" }).synced;
    const response = await fetch(`${server.url}/v2/spaces/malmo-1/changes`);
    const { changes } = (await response.json()) as { changes: { author_unverified: string }[] };
    expect(changes.map((record) => record.author_unverified)).toEqual(["ann", "bo"]);
  });
});

describe("[CLIENT-26] [CLIENT-27] a device whose clock is ten years ahead", () => {
  test("does not win over later edits of others", async () => {
    const years = 10 * 365 * 86_400_000;
    const shifted = (ms: number) => ({
      ...webRuntime,
      now: () => new Date(Date.now() + ms).toISOString().replace("Z", "000Z") as Stamp,
    });
    const ahead = open({ runtime: shifted(years) });
    await ahead.readings.put({ ...milk, quantity: 1 }).synced;
    const right = open();
    await until(right, isLive);
    await right.readings.put({ ...milk, quantity: 2 }).synced;
    await seen(ahead, milk.gtin, 2);
    expect(await ahead.outbox.list()).toEqual([]);
  });
});

describe("a token", () => {
  const guarded = async (valid: Set<string>): Promise<void> => {
    await server.stop();
    await restart({
      authorize: ({ token }) =>
        Promise.resolve(
          token !== null && valid.has(token)
            ? { kind: "allowed", subject: token }
            : { kind: "unauthorized" },
        ),
    });
  };

  test("[CLIENT-6] that has expired is renewed, and no edit is lost over it", async () => {
    const valid = new Set(["first"]);
    await guarded(valid);
    let token = "first";
    let renewals = 0;
    const client = open({
      token: ({ renew }) => {
        if (renew) {
          renewals += 1;
          token = "second";
        }
        return Promise.resolve(token);
      },
    });
    await client.readings.put(milk).synced;
    valid.clear();
    valid.add("second");
    await client.readings.put({ ...milk, quantity: 2 }).synced;
    expect(renewals).toBeGreaterThan(0);
  });

  test("[CLIENT-6] that can't be renewed pauses, and deletes nothing", async () => {
    const valid = new Set<string>();
    await guarded(valid);
    const client = open({ token: "revoked" });
    const write = client.readings.put(milk);
    const status = await until(client, ({ state }) => state === "waiting");
    expect(status).toMatchObject({ obstacle: { kind: "unauthorized" } });
    expect(await client.readings.get()).toEqual([milk]);
    valid.add("revoked");
    client.sync();
    await write.synced;
  });

  test("without the right to write lets read, and keeps what it may not send", async () => {
    await server.stop();
    await restart({
      authorize: (_, __, action) =>
        Promise.resolve(
          action === "write" ? { kind: "forbidden" } : { kind: "allowed", subject: null },
        ),
    });
    const client = open();
    await client.readings.put(milk).local;
    const status = await until(client, isLive);
    expect(status.lastSyncedAt).not.toBeNull();
    await until(client, ({ pending }) => pending === 1);
    expect(await client.outbox.list()).toMatchObject([{ key: milk.gtin, state: "waiting" }]);
  });
});

describe("on a disk", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "synchro-client-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const openStore: OpenStore = (options) =>
    openNodeSqliteStore({ path: join(folder, "client.db"), ...options });

  test("what was not sent is there after a restart, and is sent then", async () => {
    const away: typeof globalThis.fetch = () => Promise.reject(new TypeError("no network"));
    const before = open({ openStore, fetch: away });
    const write = before.readings.put(milk);
    await write.local;
    await before.close();
    await expect(write.synced).rejects.toMatchObject({ code: "closed" });
    const after = open({ openStore });
    while ((await after.outbox.list()).length > 0) await sleep(5);
    const other = open();
    await until(other, isLive);
    expect(await other.readings.get()).toEqual([milk]);
  });

  test("destroy removes the data", async () => {
    const client = open({ openStore });
    await client.readings.put(milk).synced;
    await client.destroy();
    const again = open({ openStore, fetch: () => Promise.reject(new TypeError("no network")) });
    expect(await again.readings.get()).toEqual([]);
  });
});

describe("a network that lets no streams through", () => {
  const through = async (
    pass: (path: string, accept: string) => boolean,
  ): Promise<{ proxy: Server; url: string }> => {
    const proxy = createServer((request, response) => {
      const { url = "", method = "GET", headers } = request;
      if (!pass(url, headers.accept ?? "")) {
        // Held open, and nothing comes: what a proxy does that buffers.
        return;
      }
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const body = method === "GET" ? null : Buffer.concat(chunks);
        const kept = ["content-type", "accept", "content-encoding"].flatMap((name) => {
          const value = headers[name];
          return typeof value === "string" ? [[name, value] as [string, string]] : [];
        });
        const forward = async (): Promise<void> => {
          const answer = await fetch(`${server.url}${url}`, { method, headers: kept, body });
          const type = answer.headers.get("content-type") ?? "";
          response.writeHead(answer.status, { "content-type": type });
          response.end(Buffer.from(await answer.arrayBuffer()));
        };
        // The server may stop while a long poll waits: its client is told as a proxy tells it.
        forward().catch(() => response.destroy());
      });
    });
    await new Promise<void>((resolve) => {
      proxy.listen(0, "127.0.0.1", resolve);
    });
    return { proxy, url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` };
  };

  test("is served by long polls", async () => {
    const { proxy, url } = await through((_, accept) => !accept.includes("event-stream"));
    // Time runs faster here: what a stream may be silent for is over soon.
    const fast = {
      ...webRuntime,
      after: (ms: number, task: () => void) => webRuntime.after(ms / 200, task),
    };
    const client = open({ url, runtime: fast });
    await until(client, (status) => status.state === "live" && status.by === "long poll");
    const other = open();
    await other.readings.put({ ...milk, quantity: 7 }).synced;
    await seen(client, milk.gtin, 7);
    expect(client.status.get()).toMatchObject({ pending: 0 });
    await client.close();
    proxy.closeAllConnections();
    proxy.close();
  });
});
