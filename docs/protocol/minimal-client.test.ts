import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { type SpaceId, stampFromMillis } from "@synchro/core";
import { afterEach, describe, expect, test } from "vitest";
import { MemoryDisk } from "../../packages/server/src/store/memory/memory-disk.ts";
import { MemoryStore } from "../../packages/server/src/store/memory/memory-store.ts";
import {
  startTestServer,
  type TestServer,
  type TestServerOptions,
} from "../../packages/server/testing/start-test-server.ts";
// @ts-expect-error -- the page's client is plain JavaScript
import { MinimalClient as Untyped } from "./minimal-client.mjs";

type Client = {
  readonly get: (collection: string, key: string) => unknown;
  readonly edit: (collection: string, key: string, value: object | null) => void;
  readonly sync: () => Promise<void>;
  readonly state: {
    readonly records: { readonly [id: string]: { readonly seq: number; readonly deleted?: true } };
    readonly outbox: readonly unknown[];
    readonly rejected: readonly { readonly reason: { readonly code: string } }[];
    readonly cursor: string | null;
  };
};

type ClientOptions = {
  readonly file: string;
  readonly url: string;
  readonly fetch?: typeof fetch;
  readonly now?: () => number;
};

const MinimalClient = Untyped as new (options: ClientOptions) => Client;

const servers: TestServer[] = [];

const start = async (options?: TestServerOptions): Promise<TestServer> => {
  const server = await startTestServer(options);
  servers.push(server);
  return server;
};

afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

const folder = mkdtempSync(join(tmpdir(), "synchro-minimal-client-"));
let files = 0;

const device = (server: TestServer, options: Partial<ClientOptions> = {}): Client => {
  files += 1;
  const file = join(folder, `${files}.json`);
  return new MinimalClient({ file, url: `${server.url}/v2/spaces/malmo-1/sync`, ...options });
};

/** A clock that is so many hours behind. */
const earlier = (hours: number) => (): number => Date.now() - hours * 3_600_000;

const milk = { expiration_date: "2026-12-01" };
const cheese = { expiration_date: "2026-12-24" };

describe("the client of the page", () => {
  test("carries edits, deletes and late arrivals to the other devices", async () => {
    const server = await start();
    const [anna, bo] = [device(server), device(server)];
    anna.edit("readings", "milk", milk);
    anna.edit("readings", "cheese", cheese);
    expect(anna.get("readings", "milk")).toEqual(milk);
    await anna.sync();
    await bo.sync();
    expect(bo.get("readings", "milk")).toEqual(milk);
    bo.edit("readings", "milk", null);
    await bo.sync();
    await anna.sync();
    expect(anna.get("readings", "milk")).toBeNull();
    expect(anna.get("readings", "cheese")).toEqual(cheese);
  });

  test("[CLIENT-2] sends the same bytes again when an answer is lost, also after a restart", async () => {
    const server = await start();
    const bodies: unknown[] = [];
    let isLost = true;
    const lossy: typeof fetch = async (input, init) => {
      bodies.push(init?.body);
      const answer = await fetch(input, init);
      if (!isLost) return answer;
      isLost = false;
      throw new TypeError("the connection was lost");
    };
    const file = join(folder, "lossy.json");
    const first = device(server, { file, fetch: lossy });
    first.edit("readings", "milk", milk);
    await expect(first.sync()).rejects.toThrow("lost");
    const second = device(server, { file, fetch: lossy });
    await second.sync();
    expect(bodies[1]).toBe(bodies[0]);
    expect(Object.values(second.state.records)).toEqual([expect.objectContaining({ seq: 1 })]);
    expect(second.state.outbox).toEqual([]);
  });

  test("keeps what is refused, with the reason, and its neighbours pass", async () => {
    const server = await start();
    const anna = device(server);
    anna.edit("readings", "bad", { quantity: 1 });
    anna.edit("readings", "milk", milk);
    await anna.sync();
    expect(anna.state.rejected.map(({ reason }) => reason.code)).toEqual(["schema_mismatch"]);
    expect(Object.keys(anna.state.records)).toHaveLength(1);
  });

  test("restamps what a clock that is ten years ahead has stamped", async () => {
    const server = await start();
    const tenYears = 10 * 365 * 86_400_000;
    const anna = device(server, { now: () => Date.now() + tenYears });
    anna.edit("readings", "milk", milk);
    await anna.sync();
    anna.edit("readings", "cheese", cheese);
    await anna.sync();
    expect(anna.state.rejected).toEqual([]);
    const bo = device(server);
    await bo.sync();
    expect(bo.get("readings", "milk")).toEqual(milk);
    bo.edit("readings", "milk", cheese);
    await bo.sync();
    await anna.sync();
    expect(anna.get("readings", "milk")).toEqual(cheese);
  });

  test("offers a server that was restored from a backup what it has lost", async () => {
    const server = await start();
    const anna = device(server);
    anna.edit("readings", "milk", milk);
    await anna.sync();
    const disk = new MemoryDisk();
    const restored = await start({ openStore: (options) => new MemoryStore(options, disk) });
    const moved = device(restored, {
      file: join(folder, "restored.json"),
      fetch: (_, init) => fetch(`${restored.url}/v2/spaces/malmo-1/sync`, init),
    });
    // The same store on the device, another life of the server.
    const file = join(folder, "moved.json");
    const away = device(server, { file });
    await away.sync();
    const back = device(restored, { file });
    back.edit("readings", "cheese", cheese);
    await back.sync();
    await moved.sync();
    expect(moved.get("readings", "milk")).toEqual(milk);
    expect(moved.get("readings", "cheese")).toEqual(cheese);
    expect(back.state.outbox).toEqual([]);
  });

  test("drops what was deleted and purged while it was away, and keeps its own edits", async () => {
    const server = await start();
    const [anna, bo] = [device(server), device(server)];
    anna.edit("readings", "milk", milk);
    await anna.sync();
    await bo.sync();
    anna.edit("readings", "milk", null);
    await anna.sync();
    await setTimeout(5);
    await server.store.purge("malmo-1" as SpaceId, stampFromMillis(Date.now()));
    await setTimeout(5);
    bo.edit("readings", "milk-2", cheese);
    await bo.sync();
    expect(bo.get("readings", "milk")).toBeNull();
    expect(bo.get("readings", "milk-2")).toEqual(cheese);
    expect(bo.state.rejected).toEqual([]);
    expect(Object.keys(bo.state.records)).toHaveLength(1);
  });

  test("halves a request that is too large, and no change is lost", async () => {
    const server = await start({ limits: { changesMax: 2 } });
    const anna = device(server);
    for (let n = 0; n < 5; n += 1) anna.edit("readings", `milk-${n}`, milk);
    await anna.sync();
    const bo = device(server);
    await bo.sync();
    expect(Object.keys(bo.state.records)).toHaveLength(5);
  });

  test("[CLIENT-4] sends again what a short list of results has not answered", async () => {
    const server = await start({ limits: { lostBytesMax: 1 } });
    const [anna, bo] = [device(server, { now: earlier(2) }), device(server, { now: earlier(1) })];
    for (const key of ["a", "b", "c"]) bo.edit("readings", key, cheese);
    await bo.sync();
    for (const key of ["a", "b", "c", "d"]) anna.edit("readings", key, milk);
    await anna.sync();
    await bo.sync();
    expect(["a", "b", "c", "d"].map((key) => bo.get("readings", key))).toEqual([
      cheese,
      cheese,
      cheese,
      milk,
    ]);
  });

  test("[CLIENT-2] [CLIENT-27] freezes a stamp before it is sent: neither a restart nor a later edit changes a byte", async () => {
    const server = await start();
    const bodies: unknown[] = [];
    const deaf: typeof fetch = (_, init) => {
      bodies.push(init?.body);
      return Promise.reject(new TypeError("no connection"));
    };
    const file = join(folder, "frozen.json");
    const first = device(server, { file, fetch: deaf, now: earlier(3) });
    first.edit("readings", "milk", milk);
    await expect(first.sync()).rejects.toThrow("no connection");
    const second = device(server, { file, fetch: deaf });
    second.edit("readings", "milk", cheese);
    await expect(second.sync()).rejects.toThrow("no connection");
    expect(bodies[1]).toBe(bodies[0]);
    const third = device(server, { file });
    await third.sync();
    expect(third.get("readings", "milk")).toEqual(cheese);
  });

  test("[CLIENT-27] an edit wins over what it replaced, though the clock has gone back", async () => {
    const server = await start();
    const file = join(folder, "back.json");
    const today = device(server, { file });
    today.edit("readings", "milk", milk);
    await today.sync();
    const yesterday = device(server, { file, now: earlier(24) });
    yesterday.edit("readings", "milk", cheese);
    await yesterday.sync();
    const bo = device(server);
    await bo.sync();
    expect(bo.get("readings", "milk")).toEqual(cheese);
  });

  test("[CLIENT-28] an edit of a record whose stamp is ahead of the server passes just above it", async () => {
    const server = await start();
    const ahead = "2099-01-01T00:00:00Z";
    await fetch(`${server.url}/v1/sync/?shop=malmo-1`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        last_sync_date: ahead,
        newly_created_records: [{ gtin: "milk", updated_at: ahead, expiration_date: "2026-12-01" }],
      }),
    });
    const anna = device(server, { now: () => Date.parse("2150-01-01T00:00:00Z") });
    anna.edit("readings", "milk", cheese);
    await anna.sync();
    expect(anna.state.rejected).toEqual([]);
    const bo = device(server);
    await bo.sync();
    expect(bo.get("readings", "milk")).toEqual(cheese);
    const [record] = Object.values(bo.state.records);
    expect(record).toMatchObject({ updated_at: "2099-01-01T00:00:00.000001Z" });
  });

  test("[CLIENT-25] begins anew where the digest says that something is missing, once a day", async () => {
    const server = await start();
    const file = join(folder, "torn.json");
    const anna = device(server, { file });
    for (const key of ["milk", "cheese"]) anna.edit("readings", key, milk);
    await anna.sync();
    const tear = (): void => {
      const state = JSON.parse(readFileSync(file, "utf8")) as {
        records: { [id: string]: unknown };
      };
      const [id = ""] = Object.keys(state.records);
      writeFileSync(file, JSON.stringify({ ...state, records: { [id]: state.records[id] } }));
    };
    tear();
    const torn = device(server, { file });
    expect(Object.keys(torn.state.records)).toHaveLength(1);
    await torn.sync();
    expect(Object.keys(torn.state.records)).toHaveLength(2);
    tear();
    const again = device(server, { file });
    await again.sync();
    expect(Object.keys(again.state.records)).toHaveLength(1);
    const tomorrow = device(server, { file, now: earlier(-25) });
    await tomorrow.sync();
    expect(Object.keys(tomorrow.state.records)).toHaveLength(2);
  });
});
