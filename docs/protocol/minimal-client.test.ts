import { mkdtempSync } from "node:fs";
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
});
