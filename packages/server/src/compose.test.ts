import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SpaceId } from "@synchro/core";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { selfSigned } from "../testing/self-signed.ts";
import { createKey } from "./access/create-key.ts";
import type { Grants, Level } from "./access/grants.ts";
import { loadKeys } from "./access/key-ring.ts";
import { createMintToken } from "./access/mint-token.ts";
import { openControl } from "./compose-control.ts";
import { type RunningServer, startServer } from "./compose.ts";
import type { Settings } from "./config/settings.ts";
import { systemRuntime } from "./system-runtime.ts";

let folder: string;
let running: RunningServer[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "synchro-compose-"));
});

afterEach(async () => {
  await Promise.all(running.map((server) => server.stop()));
  running = [];
  rmSync(folder, { recursive: true });
});

const start = async (settings: Partial<Settings> = {}): Promise<RunningServer> => {
  const defaults: Settings = {
    port: 0,
    host: "127.0.0.1",
    data: join(folder, "data"),
    config: null,
    corsOrigins: [],
    logLevel: "silent",
    keys: null,
    tokenNames: { issuer: "synchro", audience: "synchro" },
    publicUrl: null,
    tls: null,
    bus: null,
    database: null,
    drainDelaySeconds: 0,
  };
  const server = await startServer({ ...defaults, ...settings }, (reason) => {
    throw new Error(reason);
  });
  running.push(server);
  return server;
};

const post = (url: string, body: string): Promise<Response> =>
  fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });

const reading = {
  gtin: "test_4",
  updated_at: "2021-11-12T01:11:00",
  expiration_date: "2022-05-01",
};

describe("a server that can't start says why, and leaves nothing open", () => {
  test.each(["0.0.0.0", "192.168.1.1", "::", "example.com"])("[OPEN-3] on %s", async (host) => {
    await expect(start({ host })).rejects.toThrow(
      `--host must be loopback (127.0.0.1, ::1 or localhost), not "${host}"`,
    );
  });

  test("on an address of nobody", async () => {
    const config = join(folder, "none.json");
    await expect(start({ config })).rejects.toThrow(`${config}: can't be read`);
  });

  test("on a port that is taken, after which the data can be opened", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    await expect(start({ port })).rejects.toThrow(`Port ${port} is already in use on 127.0.0.1`);
    other.close();
    expect((await fetch(`${(await start()).url}/healthz`)).status).toBe(200);
  });

  test("over data that another server has open", async () => {
    await start();
    await expect(start()).rejects.toThrow(/is open in another process/);
  });

  test("over a file that is no database", async () => {
    const data = join(folder, "file");
    writeFileSync(data, "not a folder");
    await expect(start({ data })).rejects.toThrow(data);
  });
});

describe("a server", () => {
  test("keeps what it has answered over a restart, and resets nobody", async () => {
    const first = await start();
    const sync = `${first.url}/v1/sync/`;
    const body = { last_sync_date: "1970-01-01", newly_created_records: [reading] };
    expect((await post(sync, JSON.stringify(body))).status).toBe(200);
    const pull = `/v2/spaces/default/changes`;
    const { cursor } = (await (await fetch(first.url + pull)).json()) as { cursor: string };
    await first.stop();
    running = [];
    const second = await start();
    const list = await (await fetch(`${second.url}/v1/readings/`)).json();
    expect(list).toMatchObject({
      data: [{ gtin: "test_4", expiration_date: "2022-05-01T00:00:00Z" }],
    });
    const later = await fetch(`${second.url}${pull}?cursor=${cursor}`);
    const answer = (await later.json()) as { readonly [name: string]: unknown };
    expect(answer).toMatchObject({ changes: [], more: false });
    expect(answer).not.toHaveProperty("reset");
  });

  test("serves what its configuration declares", async () => {
    const config = join(folder, "synchro.json");
    const notes = { schema: { type: "object", required: ["text"] }, key: "id" };
    writeFileSync(config, JSON.stringify({ collections: { notes }, limits: { changesMax: 1 } }));
    const { url } = await start({ config });
    const change = {
      collection: "notes",
      key: "1",
      updated_at: "2026-01-01T00:00:00Z",
      value: { id: "1" },
    };
    const sync = `${url}/v2/spaces/shop-1/sync`;
    const answer = await (await post(sync, JSON.stringify({ changes: [change] }))).json();
    expect(answer).toMatchObject({
      results: [
        { rejected: { code: "schema_mismatch", path: "/value/text", message: "text is required" } },
      ],
    });
    const two = { changes: [change, { ...change, key: "2" }] };
    expect((await post(sync, JSON.stringify(two))).status).toBe(413);
  });

  test("[LIVE-15] stops at once though streams and long polls are open, and ends them whole", async () => {
    const { url, stop } = await start();
    const changes = `${url}/v2/spaces/default/changes`;
    const streams = [
      fetch(changes, { headers: { accept: "text/event-stream" } }),
      fetch(`${url}/v1/readings/stream`),
    ];
    const texts = (await Promise.all(streams)).map((response) => response.text());
    const poll = fetch(`${changes}?wait=30`);
    const metrics = async () => (await fetch(`${url}/metrics`)).text();
    await expect.poll(metrics).toContain('synchro_streams_open{kind="long_poll"} 1');
    expect(await metrics()).toContain('synchro_streams_open{kind="sse"} 1');
    const startedAt = performance.now();
    expect(await stop()).toBe("finished");
    running = [];
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect((await poll).status).toBe(200);
    for (const text of await Promise.all(texts)) expect(text).toMatch(/\n\n$/);
  });

  test("counts what it does", async () => {
    const { url } = await start();
    const body = { last_sync_date: "1970-01-01", newly_created_records: [reading, reading] };
    await (await post(`${url}/v1/sync/`, JSON.stringify(body))).text();
    const text = await (await fetch(`${url}/metrics`)).text();
    expect(text).toContain('synchro_changes_total{result="applied"} 2');
    expect(text).toContain('synchro_pushes_total{outcome="committed"} 1');
    expect(text).toContain("nodejs_eventloop_lag_seconds");
    expect(text).toMatch(/^synchro_commit_records_count [1-9]/m);
    expect(text).toMatch(/^synchro_connections [1-9]/m);
    expect(text).toContain("synchro_oldest_unsent_seconds 0\n");
  });
});

describe("a server with keys", () => {
  const withKeys = async (more: Partial<Settings> = {}): Promise<RunningServer> => {
    const path = join(folder, "keys.json");
    writeFileSync(path, JSON.stringify({ keys: [createKey("EdDSA", systemRuntime)] }), {
      mode: 0o600,
    });
    return start({ keys: { kind: "file", path }, ...more });
  };

  /** A token of the keys, and its id. */
  const mint = async (spaces: { readonly [space: string]: Level }) => {
    const keys = await loadKeys({ kind: "file", path: join(folder, "keys.json") });
    const names = { issuer: "synchro", audience: "synchro" };
    const keyRing = { current: () => keys };
    const make = createMintToken({ keyRing, names, runtime: systemRuntime });
    const grants = new Map(Object.entries(spaces)) as Grants;
    const minted = await make({ subject: "ann", grants, expiresInS: 600 });
    if (minted.kind !== "minted") throw new Error(minted.kind);
    const headers = { authorization: `Bearer ${minted.token}` };
    return { ...minted, headers };
  };

  test.each<readonly [string, Partial<Settings>, RegExp]>([
    [
      "keys that are not there",
      { keys: { kind: "file", path: "/nowhere/keys" } },
      /^\/nowhere\/keys: can't be read/,
    ],
    [
      "keys that are none",
      { keys: { kind: "text", text: "{}", place: "SYNCHRO_KEYS_JSON" } },
      /^SYNCHRO_KEYS_JSON: keys must be/,
    ],
    [
      "a certificate that is none",
      { tls: { certFile: "/nowhere/cert", keyFile: "/nowhere/key" } },
      /^--tls-cert \/nowhere\/cert: there is no such file$/,
    ],
  ])("[TOKEN-4] does not start with %s, and leaves nothing open", async (_, settings, line) => {
    await expect(start(settings)).rejects.toThrow(line);
    expect(existsSync(join(folder, "data"))).toBe(false);
  });

  test("[TOKEN-15] listens where others reach it, and knows that tokens travel in clear", async () => {
    const server = await withKeys({ host: "0.0.0.0" });
    expect(server).toMatchObject({ hasTokens: true, isExposed: true });
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    expect((await fetch(`${server.url}/v1/readings/`)).status).toBe(401);
    const { isExposed } = await withKeys({ data: join(folder, "other") });
    expect(isExposed).toBe(false);
  });

  test("[TOKEN-16] speaks TLS, and is then not exposed", async () => {
    const { cert, key } = selfSigned();
    const tls = { certFile: join(folder, "cert.pem"), keyFile: join(folder, "key.pem") };
    writeFileSync(tls.certFile, cert);
    writeFileSync(tls.keyFile, key);
    const server = await withKeys({ host: "0.0.0.0", tls });
    expect(server.url).toMatch(/^https:/);
    expect(server.isExposed).toBe(false);
  });

  test("[TOKEN-9] refuses a token that another process revoked, and ends its streams", async () => {
    const { url } = await withKeys();
    const { headers, id, expiresAt } = await mint({ "shop-1": "write" });
    const body = { last_sync_date: "1970-01-01", newly_created_records: [reading] };
    const sent = await fetch(`${url}/v1/sync/`, {
      method: "POST",
      headers: { ...headers, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    expect(sent.status).toBe(200);
    const stream = await fetch(`${url}/v1/readings/stream`, { headers });
    const ended = stream.text();
    const control = await openControl({ kind: "folder", folder: join(folder, "data") });
    const revokedAt = performance.now();
    await control.revokeToken({ tokenId: id, expiresAt }, { actor: "cli", now: expiresAt });
    await control.close();
    const status = async () => (await fetch(`${url}/v1/readings/`, { headers })).status;
    await expect.poll(status, { timeout: 10_000 }).toBe(401);
    expect(await ended).toContain("test_4");
    expect(performance.now() - revokedAt).toBeLessThan(10_000);
  });

  test("[SPACE-3] in open mode a deleted space is not there either", async () => {
    const { url } = await start();
    const control = await openControl({ kind: "folder", folder: join(folder, "data") });
    const now = systemRuntime.now();
    await control.deleteSpace("default" as SpaceId, { actor: "cli", now });
    await control.close();
    const status = async () => (await fetch(`${url}/v1/readings/`)).status;
    await expect.poll(status, { timeout: 10_000 }).toBe(404);
  });
});

describe("[LIMIT-8] nothing that a client sends to a dialect is a 5xx", () => {
  const scalar = fc.oneof(
    fc.constantFrom<unknown>(
      null,
      true,
      0,
      -1,
      1.5,
      1e308,
      "",
      "readings",
      "2026-11-24T10:00:00Z",
      "2021-10-10",
    ),
    fc.string({ unit: "binary" }),
    fc.integer(),
  );
  const names = fc.constantFrom(
    "client_id",
    "cursor",
    "ack",
    "collections",
    "limit",
    "pull",
    "tombstones",
    "changes",
    "status",
    "collection",
    "key",
    "updated_at",
    "base",
    "author",
    "value",
    "deleted",
    "last_sync_date",
    "newly_created_records",
    "gtin",
    "expiration_date",
    "_id",
  );
  const { json } = fc.letrec((tie) => ({
    json: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      scalar,
      tie("list"),
      tie("object"),
    ),
    list: fc.array(tie("json"), { maxLength: 4 }),
    object: fc.dictionary(names, tie("json"), { maxKeys: 8 }),
  }));
  const body = fc.oneof(json, fc.dictionary(names, json, { maxKeys: 10 }));
  const runs = { seed: 20_261_124, numRuns: 300 };

  test.each([
    "/v1/sync/",
    "/v1/sync?shop=a",
    "/v2/spaces/default/sync",
    "/v2/spaces/No%20Space/sync",
  ])("POST %s", async (path) => {
    const { url } = await start();
    await fc.assert(
      fc.asyncProperty(body, async (value) => {
        const response = await post(url + path, JSON.stringify(value));
        await response.text();
        expect(response.status).toBeLessThan(500);
      }),
      runs,
    );
  });

  test("GET, with any query", async () => {
    const { url } = await start();
    const path = fc.constantFrom(
      "/v1/readings/",
      "/v2/spaces/default/changes",
      "/v2/spaces/default/evidence",
      "/v2/spaces/default/history",
      "/v2/spaces/default/rejections",
    );
    const name = fc.constantFrom(
      "cursor",
      "ack",
      "collections",
      "limit",
      "tombstones",
      "collection",
      "key",
      "client_id",
      "before_seq",
      "shop",
    );
    const value = fc.oneof(
      fc.constantFrom(
        "",
        "readings",
        "readings,batches",
        "1",
        "0",
        "-1",
        "1e9",
        "true",
        "c1.x.0.-.*",
        "a1.x.0",
      ),
      fc.string({ unit: "binary" }).map((text) => encodeURIComponent(text.toWellFormed())),
      fc.constantFrom("%", "%zz", "%ff", "%00"),
    );
    const query = fc.array(fc.tuple(name, value), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(path, query, async (base, parameters) => {
        const text = parameters.map(([key, given]) => `${key}=${given}`).join("&");
        const response = await fetch(`${url}${base}?${text}`);
        await response.text();
        expect(response.status).toBeLessThan(500);
      }),
      runs,
    );
  });
});
