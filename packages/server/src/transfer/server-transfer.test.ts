import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { type CollectionName, type SpaceId, stampFromMillis } from "@synchro/core";
import { afterEach, describe, expect, test } from "vitest";
import { collect } from "./collect.fixture.ts";
import { createCollectionRegistry } from "../collections/collection-registry.ts";
import { defaultLimits } from "@synchro/protocol";
import { startTestServer, type TestServerOptions } from "../../testing/start-test-server.ts";
import { systemRuntime } from "../system-runtime.ts";
import type { InputRow } from "./input-row.ts";
import { createJudgeRow } from "./judge-row.ts";
import { runImport } from "./run-import.ts";
import { createServerClient } from "./server-client.ts";
import { openServerSource } from "./server-source.ts";
import { openServerTarget } from "./server-target.ts";

const space = "shop" as SpaceId;
const readings = "readings" as CollectionName;

const closers: (() => Promise<unknown> | void)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** Waits pass at once; how long each was is kept. */
const createHastyRuntime = () => {
  const waits: number[] = [];
  const runtime = {
    ...systemRuntime,
    after: (ms: number, task: () => void) => {
      waits.push(ms);
      systemRuntime.soon(task);
      return () => {};
    },
  };
  return { runtime, waits };
};

type Handler = (
  request: IncomingMessage,
  response: ServerResponse,
  count: number,
) => void | Promise<void>;

/** A server that does what a test wants. Returns its address. */
const fake = async (handler: Handler): Promise<string> => {
  let count = 0;
  const server = createServer((request, response) => {
    count += 1;
    void handler(request, response, count);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

const serve = async (options: TestServerOptions = {}) => {
  const server = await startTestServer(options);
  closers.push(server.stop);
  return server;
};

/** A server in front of another, which may spoil what passes: another body, a status, null a cut. */
const inFrontOf = (
  url: string,
  spoil: (body: string, count: number, path: string) => string | number | null,
) => {
  const paths: string[] = [];
  const address = fake(async (request, response, count) => {
    const path = request.url ?? "";
    paths.push(path);
    const chunks = await collect(request as AsyncIterable<Buffer>);
    const isPost = request.method === "POST";
    const answer = await fetch(url + path, {
      method: request.method ?? "GET",
      headers: { accept: request.headers.accept ?? "*/*", "content-type": "application/json" },
      ...(isPost ? { body: Buffer.concat(chunks) } : {}),
    });
    const text = await answer.text();
    const spoiled = spoil(text, count, path);
    if (typeof spoiled === "number") response.writeHead(spoiled).end();
    else if (spoiled === null) request.socket.destroy();
    else {
      response.writeHead(answer.status, {
        "content-type": answer.headers.get("content-type") ?? "",
      });
      response.end(spoiled);
    }
  });
  return { address, paths };
};

const clientOf = (url: string, options: { token?: string; signal?: AbortSignal } = {}) => {
  const { runtime, waits } = createHastyRuntime();
  const client = createServerClient({
    url,
    token: options.token ?? null,
    runtime,
    signal: options.signal ?? new AbortController().signal,
  });
  return { client, waits };
};

const fetchAll = async (url: string, tombstones = false) => {
  const { client, waits } = clientOf(url);
  const source = await openServerSource({
    client,
    space,
    collections: [readings],
    tombstones,
    runtime: systemRuntime,
    signal: new AbortController().signal,
    onProgress: () => {},
  });
  const records = [...source.read()];
  source.close();
  return { records, waits };
};

const put = async (
  url: string,
  keys: readonly string[],
  stamp = "2026-10-01T00:00:00Z",
  more: object = { value: { expiration_date: "2026-12-01" } },
): Promise<void> => {
  const changes = keys.map((key) => ({ collection: readings, key, updated_at: stamp, ...more }));
  const response = await fetch(`${url}/v2/spaces/${space}/sync`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ changes, pull: false }),
  });
  expect(response.status).toBe(200);
};

const keysOf = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `key-${String(index).padStart(5, "0")}`);

const importInto = async (url: string, keys: readonly string[]) => {
  const { client, waits } = clientOf(url);
  const target = await openServerTarget({
    client,
    space,
    collection: readings,
    runtime: systemRuntime,
  });
  async function* rows(): AsyncGenerator<InputRow> {
    for (const [index, key] of keys.entries()) {
      const change = {
        collection: readings,
        key,
        updated_at: "2026-10-01T00:00:00Z",
        value: { expiration_date: "2026-12-01" },
      };
      yield { kind: "change", line: index + 1, change, violation: undefined };
    }
  }
  const end = await runImport({
    rows: rows(),
    judge: createJudgeRow({
      registry: createCollectionRegistry(),
      limits: defaultLimits,
      sha256: systemRuntime.sha256,
      sendsUndeclared: true,
    }),
    target,
    batch: { changesMax: 500, lengthMax: 1024 * 1024 },
    onRejected: (row) => {
      throw new Error(row.message);
    },
    onProgress: () => {},
    signal: new AbortController().signal,
  });
  return { ...end, waits };
};

describe("a server that can't be used is told in one line", () => {
  const headOf = (url: string, token?: string) =>
    openServerTarget({
      client: clientOf(url, token === undefined ? {} : { token }).client,
      space,
      collection: readings,
      runtime: systemRuntime,
    });

  test("nobody listens there", async () => {
    const { url, stop } = await startTestServer();
    await stop();
    await expect(headOf(url)).rejects.toThrow(
      /^http:\/\/127\.0\.0\.1:\d+ can't be reached: .*ECONNREFUSED.*: does a server listen there\?$/,
    );
  });

  test("it goes away for good in the middle", async () => {
    const { url, stop } = await startTestServer();
    const { client, waits } = clientOf(url);
    const target = await openServerTarget({
      client,
      space,
      collection: readings,
      runtime: systemRuntime,
    });
    await stop();
    const change = { line: 1, id: "a", key: "a", text: "{}", write: null };
    await expect(target.send([change])).rejects.toThrow(/ECONNREFUSED.*: run it again later$/);
    expect(waits).toHaveLength(8);
  });

  test.each([
    [401, /answered 401 \(no\): give a token with --token-file or SYNCHRO_TOKEN$/],
    [
      403,
      /answered 403 \(no\): the token may not do this in this space, or there is no such space$/,
    ],
    [404, /answered 404 \(no\): the token may not/],
    [400, /answered 400 \(no\)$/],
  ])("it refuses with %d, once", async (status, line) => {
    let asked = 0;
    const url = await fake((_, response) => {
      asked += 1;
      response.writeHead(status, { "content-type": "application/problem+json" });
      response.end('{"detail":"no"}');
    });
    const refused = headOf(url, "canary-token");
    await expect(refused).rejects.toThrow(line);
    await expect(refused).rejects.not.toThrow(/canary/);
    expect(asked).toBe(1);
  });

  test.each(["hello", "{}", "[]", "<html>"])("it is another program: %j", async (body) => {
    const url = await fake((_, response) => void response.end(body));
    await expect(headOf(url)).rejects.toThrow(/an answer that is none of Synchro's/);
    await expect(fetchAll(url)).rejects.toThrow(/an answer that is none of Synchro's/);
  });

  test("it sends the caller elsewhere: a token does not follow", async () => {
    let leaked = false;
    const elsewhere = await fake((request, response) => {
      leaked ||= request.headers.authorization !== undefined;
      response.end("{}");
    });
    const url = await fake(
      (_, response) => void response.writeHead(307, { location: elsewhere }).end(),
    );
    await expect(headOf(url, "canary-token")).rejects.toThrow(/can't be reached/);
    expect(leaked).toBe(false);
  });

  test("it is overloaded for good: eight tries, with longer and longer waits", async () => {
    const url = await fake((_, response) => void response.writeHead(503).end());
    const { client, waits } = clientOf(url);
    const asked = client.send({ path: "/", accept: "*/*", body: null });
    await expect(asked).rejects.toThrow(/answers 503 \(Service Unavailable\): run it again later$/);
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  });

  test("it sends an answer that does not add up to its digest", async () => {
    const { url } = await serve();
    await put(url, keysOf(3));
    const { address } = inFrontOf(url, (text) => text.replace(/.*"key-00001".*\n/, ""));
    await expect(fetchAll(await address)).rejects.toThrow(
      /sent 2 readings that do not add up to its digest: run it again$/,
    );
  });
});

test("a server that says when to come back is taken at its word", async () => {
  const url = await fake((_, response, count) => {
    if (count <= 2) response.writeHead(429, { "retry-after": "7" }).end("{}");
    else response.end("ok");
  });
  const { client, waits } = clientOf(url);
  const response = await client.send({ path: "/", accept: "*/*", body: null });
  expect(await response.text()).toBe("ok");
  expect(waits).toEqual([7000, 7000]);
});

test("a token goes in a header", async () => {
  const seen: (string | undefined)[] = [];
  const url = await fake((request, response) => {
    seen.push(request.headers.authorization, request.url);
    response.end("ok");
  });
  const { client } = clientOf(url, { token: "t.o.k" });
  await client.send({ path: "/x", accept: "*/*", body: null });
  expect(seen).toEqual(["Bearer t.o.k", "/x"]);
});

describe("an export from a server", () => {
  test("goes on from the last cursor where an answer was cut", async () => {
    const { url, store } = await serve({ limits: { streamPageBytesMax: 2_000 } });
    const keys = keysOf(500);
    await put(url, keys);
    const { address, paths } = inFrontOf(url, (text, count) => {
      if (count > 6) return text;
      if (count % 2 === 0) return null;
      // Within a record's line, some pages on.
      return text.slice(0, text.length / 3);
    });
    const { records } = await fetchAll(await address);
    expect(records.map(({ key }) => key)).toEqual(keys);
    expect(records.map(({ seq }) => seq)).toEqual(keys.map((_, index) => index + 1));
    const cursors = paths.filter((path) => path.includes("cursor=")).length;
    expect(cursors).toBeGreaterThan(3);
    expect((await store.describeSpace(space))?.head).toBe(500);
  });

  test("takes as many answers as it needs", async () => {
    const { url } = await serve({ limits: { ndjsonRecordsMax: 100, streamPageBytesMax: 1_000 } });
    await put(url, keysOf(450));
    const { records, waits } = await fetchAll(url);
    expect(records).toHaveLength(450);
    expect(waits).toEqual([]);
  });

  test("what changes while it runs is as it is at the end, and no record stands twice", async () => {
    const { url } = await serve({ limits: { ndjsonRecordsMax: 100, streamPageBytesMax: 1_000 } });
    await put(url, keysOf(300));
    const later = "2026-10-02T00:00:00Z";
    let hasChanged = Promise.resolve();
    const { address } = inFrontOf(url, (text, count) => {
      if (count === 1) {
        hasChanged = (async () => {
          await put(url, ["key-00000"], later, { value: { expiration_date: "2027-01-01" } });
          await put(url, ["key-00001", "key-00299"], later, { deleted: true });
        })();
      }
      return text;
    });
    const before = await fetchAll(await address);
    await hasChanged;
    expect(new Set(before.records.map(({ key }) => key)).size).toBe(before.records.length);
    const { records } = await fetchAll(await address);
    expect(records).toHaveLength(298);
    expect(records.find(({ key }) => key === "key-00000")?.value).toContain("2027-01-01");
    expect((await fetchAll(await address, true)).records).toHaveLength(300);
  });

  test("begins again where the server's data was replaced meanwhile", async () => {
    const { url } = await serve({ limits: { ndjsonRecordsMax: 100, streamPageBytesMax: 1_000 } });
    await put(url, keysOf(300));
    const other = await serve();
    await put(other.url, ["only"]);
    let isReplaced = false;
    const address = await fake(async (request, response) => {
      const from = isReplaced ? other.url : url;
      isReplaced = true;
      const answer = await fetch(from + (request.url ?? ""), {
        headers: { accept: "application/x-ndjson" },
      });
      response.writeHead(200, { "content-type": answer.headers.get("content-type") ?? "" });
      response.end(await answer.text());
    });
    const { records } = await fetchAll(address);
    expect(records.map(({ key }) => key)).toEqual(["only"]);
  });

  test("of a space that does not exist is empty", async () => {
    const { url } = await serve();
    expect((await fetchAll(url)).records).toEqual([]);
  });

  test("keeps what an export from data has: authors, deletes, order", async () => {
    const { url } = await serve();
    await put(url, ["a"], "2026-10-01T00:00:00Z", {
      value: { expiration_date: "2026-12-01", z: { b: [1, "x"], a: null } },
      author: "anna",
    });
    await put(url, ["b"], "2026-10-01T00:00:00.000001Z", { deleted: true });
    const { records } = await fetchAll(url, true);
    expect(records).toEqual([
      {
        collection: readings,
        key: "a",
        seq: 1,
        stamp: "2026-10-01T00:00:00.000000Z",
        value: '{"expiration_date":"2026-12-01","z":{"b":[1,"x"],"a":null}}',
        fieldState: null,
        author: { name: "anna", verified: false },
      },
      {
        collection: readings,
        key: "b",
        seq: 2,
        stamp: "2026-10-01T00:00:00.000001Z",
        value: null,
        fieldState: null,
        author: null,
      },
    ]);
  });
});

describe("an import into a server", () => {
  test("halves what the server finds too large", async () => {
    const { url, store } = await serve({ limits: { changesMax: 60 } });
    const { counts, failure } = await importInto(url, keysOf(700));
    expect({ counts, failure }).toMatchObject({ counts: { applied: 700 }, failure: null });
    expect((await store.describeSpace(space))?.head).toBe(700);
  });

  test("sends again what got no answer, and counts it once", async () => {
    const { url, store } = await serve();
    const { address } = inFrontOf(url, (text, count, path) => {
      if (!path.endsWith("/sync")) return text;
      return count % 3 === 0 ? text : count % 3 === 1 ? null : 502;
    });
    const { counts, failure, waits } = await importInto(await address, keysOf(1_100));
    expect({ counts, failure }).toEqual({
      counts: { rows: 1_100, applied: 1_100, unchanged: 0, superseded: 0, rejected: 0 },
      failure: null,
    });
    expect(waits.length).toBeGreaterThan(3);
    expect((await store.describeSpace(space))?.head).toBe(1_100);
  });

  test("goes on where an answer is to the first of the changes only", async () => {
    const { url } = await serve({ limits: { lostBytesMax: 1_000 } });
    await put(url, keysOf(50), "2026-11-01T00:00:00Z");
    const { counts } = await importInto(url, keysOf(100));
    expect(counts).toEqual({ rows: 100, applied: 50, unchanged: 0, superseded: 50, rejected: 0 });
  });

  test("counts what was there already, written by whomever", async () => {
    const { url } = await serve();
    await put(url, keysOf(40));
    const keys = [...keysOf(60), ...keysOf(10)];
    const { counts } = await importInto(url, keys);
    expect(counts).toEqual({ rows: 70, applied: 20, unchanged: 50, superseded: 0, rejected: 0 });
  });

  test("that the server gives up on tells how far it came", async () => {
    const { url } = await serve();
    let syncs = 0;
    const { address } = inFrontOf(url, (text, _, path) => {
      if (!path.endsWith("/sync")) return text;
      syncs += 1;
      return syncs > 1 ? 503 : text;
    });
    const { counts, failure } = await importInto(await address, keysOf(1_200));
    expect(counts.applied).toBe(500);
    expect(failure?.message).toMatch(/answers 503 .*: run it again later$/);
  });
});

test("a stamp that is ahead is rejected by the server", async () => {
  const { url } = await serve({
    runtime: { ...systemRuntime, now: () => stampFromMillis(0) },
  });
  await expect(importInto(url, ["a"])).rejects.toThrow(/its clock ran ahead/);
});
