import { cpSync, rmSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { AssignChange, CollectionName, SpaceId, Stamp, StoredRecord } from "@synchro/core";
import { parseStamp } from "@synchro/core";
import type { Limits, V1Answer } from "@synchro/protocol";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { startTestServer, type TestServer } from "../../../testing/start-test-server.ts";
import { listV1, sent, syncV1 } from "../../../testing/v1-requests.ts";
import { openSqliteStore } from "../../store/sqlite/open-sqlite-store.ts";
import { createDataDir, onFatal } from "../../store/sqlite/sqlite-harness.contract.ts";
import type { SpaceSnapshot, Store, StoreOptions } from "../../store/store.ts";
import { systemRuntime } from "../../system-runtime.ts";

const shop = "shop-1";
const monday = parseStamp("2026-11-23T10:00:00Z") as Stamp;

/** Many, and of long names: the answer is several times what the buffers of a connection hold. */
const COUNT = 60_000;
const gtinOf = (n: number): string => `${n}`.padStart(200, "0");

/** More than a socket's buffers on both sides take (tcp_wmem and tcp_rmem), and far less than the answer. */
const AHEAD_BYTES_MAX = 10 * 1024 * 1024;

/** What the server has read from the store for its answers. */
type Reads = { openSnapshots: number; records: number };

const watchSnapshot = (snapshot: SpaceSnapshot, reads: Reads): SpaceSnapshot => {
  reads.openSnapshots += 1;
  let isOpen = true;
  return {
    state: snapshot.state,
    lookup: (collection, keys) => snapshot.lookup(collection, keys),
    async *liveByStamp(collection, filter): AsyncGenerator<readonly StoredRecord[]> {
      for await (const chunk of snapshot.liveByStamp(collection, filter)) {
        reads.records += chunk.length;
        yield chunk;
      }
    },
    close: async () => {
      if (isOpen) reads.openSnapshots -= 1;
      isOpen = false;
      await snapshot.close();
    },
  };
};

const watched = (store: Store, reads: Reads): Store =>
  new Proxy(store, {
    get: (target, name) => {
      const member = Reflect.get(target, name) as unknown;
      if (name === "openSnapshot") {
        return async (space: SpaceId) => watchSnapshot(await target.openSnapshot(space), reads);
      }
      return typeof member === "function" ? member.bind(target) : member;
    },
  });

const fill = async (store: Store, count: number): Promise<void> => {
  for (let from = 0; from < count; from += 5_000) {
    const changes = Array.from({ length: Math.min(5_000, count - from) }, (_, n): AssignChange => ({
      kind: "assign",
      collection: "readings" as CollectionName,
      key: gtinOf(from + n),
      stamp: monday,
      author: null,
      members: { expiration_date: "2026-12-01" },
    }));
    const now = systemRuntime.now();
    const space = shop as SpaceId;
    const outcome = await store.push({ space, changes, checksClocks: false, clientId: null, now });
    expect(outcome.kind).toBe("committed");
  }
};

/** A client that has got its headers and takes nothing more until it is told to. */
const askAndWait = (method: string, path: string, body?: string): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json" };
    const asked = request(`${server.url}${path}`, { method, headers, agent: false });
    asked.on("error", reject);
    asked.on("response", (response) => {
      response.on("error", () => {});
      resolve(response);
    });
    asked.end(body);
  });

const readAll = async (response: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
};

/** Waits until the server reads no further, and gives the bytes of answer that it has read by then. */
const bytesAhead = async (): Promise<number> => {
  let before = -1;
  while (before !== reads.records) {
    before = reads.records;
    await sleep(300);
  }
  const bytesEach = JSON.stringify(sent(gtinOf(0), "2026-11-23T10:00:00Z")).length;
  return before * bytesEach;
};

let server: TestServer;
let reads: Reads;
let dataDir: string;
/** The data of {@link COUNT} readings, to be copied. */
let filledDir: string;

const openStore = (options: StoreOptions): Promise<Store> =>
  openSqliteStore({ ...options, dataDir, writer: "worker", bytesMax: null, onFatal });

const start = async (limits: Partial<Limits> = {}): Promise<void> => {
  server = await startTestServer({
    limits,
    openStore: async (options) => watched(await openStore(options), reads),
  });
};

beforeAll(async () => {
  filledDir = createDataDir();
  dataDir = filledDir;
  const filled = await startTestServer({ openStore });
  await fill(filled.store, COUNT);
  await filled.stop();
});
afterAll(() => rmSync(filledDir, { recursive: true, force: true }));

beforeEach(() => {
  reads = { openSnapshots: 0, records: 0 };
  dataDir = createDataDir();
  cpSync(filledDir, dataDir, { recursive: true });
});
afterEach(async () => {
  await server.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

const forms = [
  ["GET /v1/readings/", "GET", `/v1/readings/?shop=${shop}`, undefined],
  ["POST /v1/sync/", "POST", `/v1/sync/?shop=${shop}`, '{"last_sync_date":"1970-01-01"}'],
  ["POST /v1/sync/ with a cursor", "POST", `/v1/sync/?shop=${shop}`, '{"cursor":""}'],
] as const;

describe("a client that does not read", () => {
  test("[V1-26] is cut off after v1AnswerMs, and what was held for it is let go", async () => {
    await start({ v1AnswerMs: 500 });
    const response = await askAndWait("GET", `/v1/readings/?shop=${shop}`);
    expect(reads.openSnapshots).toBe(1);
    await vi.waitFor(() => expect(reads.openSnapshots).toBe(0), { timeout: 5_000 });
    await expect(readAll(response)).rejects.toThrow("aborted");
    expect(reads.records).toBeLessThan(COUNT);
  });

  test("[V1-26] is cut off after streamStallMs without a byte taken", async () => {
    await start({ streamStallMs: 300 });
    const response = await askAndWait("GET", `/v1/readings/?shop=${shop}`);
    await vi.waitFor(() => expect(reads.openSnapshots).toBe(0), { timeout: 5_000 });
    await expect(readAll(response)).rejects.toThrow("aborted");
  });

  test("and goes away: what was held for it is let go", async () => {
    await start();
    const response = await askAndWait("GET", `/v1/readings/?shop=${shop}`);
    expect(reads.openSnapshots).toBe(1);
    response.destroy();
    await vi.waitFor(() => expect(reads.openSnapshots).toBe(0));
  });
});

test.each(forms)(
  "[V1-26] %s: the server reads no further than its client, who gets one moment, whatever is written meanwhile",
  async (_form, method, path, body) => {
    await start();
    const response = await askAndWait(method, path, body);
    const write = async (round: number): Promise<void> => {
      const stamp = `2026-11-24T10:00:${round}Z`;
      const newer = Array.from({ length: 500 }, (_, n) =>
        sent(gtinOf(n * 100), stamp, "2030-01-01"),
      );
      const added = [sent(`new-${round}`, stamp), sent(`old-${round}`, "2000-01-01")];
      await syncV1(server, shop, {
        last_sync_date: "9999-01-01",
        newly_created_records: [...newer, ...added],
      });
    };
    for (let round = 10; round < 14; round += 1) await write(round);
    expect(await bytesAhead()).toBeLessThan(AHEAD_BYTES_MAX);
    expect(reads.records).toBeLessThan(COUNT / 2);
    expect(reads.openSnapshots).toBe(1);
    const reading = readAll(response);
    await write(14);
    const text = await reading;
    expect(text.length).toBeGreaterThan(COUNT * 250);
    const { data, cursor = "" } = JSON.parse(text) as V1Answer;
    expect(data.map(({ gtin }) => gtin)).toEqual(
      Array.from({ length: COUNT }, (_, n) => gtinOf(n)),
    );
    expect(new Set(data.map((each) => `${each.updated_at} ${each.expiration_date}`))).toEqual(
      new Set(["2026-11-23T10:00:00Z 2026-12-01T00:00:00Z"]),
    );
    expect(reads.openSnapshots).toBe(0);
    // The cursor is of that moment: from it all comes that was written meanwhile.
    expect((await syncV1(server, shop, { cursor })).data).toHaveLength(510);
    expect((await listV1(server, shop)).data).toHaveLength(COUNT + 10);
  },
);
