import { rmSync } from "node:fs";
import type { Change, StreamEvent, WireDigest, WireRecord } from "@synchro/protocol";
import { afterEach, describe, expect, test } from "vitest";
import { type EventStream, openEvents } from "../../../testing/event-stream.ts";
import { startTestServer, type TestServer } from "../../../testing/start-test-server.ts";
import { changesPath, deletion, pull, push, reading } from "../../../testing/v2-requests.ts";
import { VirtualTime } from "../../../testing/virtual-time.ts";
import { systemRuntime } from "../../system-runtime.ts";
import { MemoryStore } from "../../store/memory/memory-store.ts";
import { openSqliteStore } from "../../store/sqlite/open-sqlite-store.ts";
import { createDataDir, onFatal } from "../../store/sqlite/sqlite-harness.contract.ts";
import type { Store, StoreOptions } from "../../store/store.ts";

const WRITERS = 4;
const ROUNDS = 30;
const KEYS = 12;

type Ground = {
  readonly open: (options: StoreOptions) => Store | Promise<Store>;
  readonly tidy: () => void;
};

const memory = (): Ground => ({ open: (options) => new MemoryStore(options), tidy: () => {} });

const sqlite = (): Ground => {
  const dataDir = createDataDir();
  return {
    open: (options) =>
      openSqliteStore({ ...options, dataDir, writer: "worker", bytesMax: null, onFatal }),
    tidy: () => rmSync(dataDir, { recursive: true, force: true }),
  };
};

/** What a reader holds; a record that comes with a seq below the one it replaces would be a step back. */
type Held = {
  readonly records: Map<string, WireRecord>;
  readonly seqs: Set<number>;
  digest: WireDigest | undefined;
};

const createHeld = (): Held => ({ records: new Map(), seqs: new Set(), digest: undefined });

const take = (
  held: Held,
  page: { readonly changes: readonly WireRecord[]; readonly digest?: WireDigest },
): void => {
  for (const record of page.changes) {
    const id = `${record.collection} ${record.key}`;
    expect(record.seq).toBeGreaterThan(held.records.get(id)?.seq ?? 0);
    expect(held.seqs.has(record.seq)).toBe(false);
    held.seqs.add(record.seq);
    held.records.set(id, record);
  }
  if (page.digest !== undefined) held.digest = page.digest;
};

/** The stamp of a writer's round: no two are alike, and writers overtake one another. */
const stampOf = (writer: number, round: number): string =>
  `2026-11-01T10:${String(round).padStart(2, "0")}:${String(writer).padStart(2, "0")}Z`;

const changesOf = (writer: number, round: number): readonly Change[] => {
  const stamp = stampOf(writer, round);
  const key = (step: number): string => `k${(writer * 5 + round * step) % KEYS}`;
  const changes = [reading(key(1), stamp, { value: { expiration_date: "2026-12-01", writer } })];
  if (round % 3 === 0 && key(7) !== key(1)) changes.push(deletion(key(7), stamp));
  return changes;
};

describe.each([
  ["memory", memory],
  ["SQLite", sqlite],
])("over %s", (_, createGround) => {
  let server: TestServer;
  const streams: EventStream[] = [];
  let tidy = (): void => {};
  afterEach(async () => {
    for (const stream of streams.splice(0)) stream.close();
    await server.stop();
    tidy();
  });

  test("[LIVE-3] [LIVE-9] readers by page, by long poll and by stream miss nothing of what many write meanwhile", async () => {
    const ground = createGround();
    tidy = ground.tidy;
    // No stamp may lie in the future, whatever the machine's clock says.
    const runtime = { ...systemRuntime, now: new VirtualTime().runtime.now };
    server = await startTestServer({
      openStore: ground.open,
      runtime,
      limits: { streamIdleMs: 500 },
    });
    let isWriting = true;
    let head = 0;

    const write = async (writer: number): Promise<void> => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const { results } = await push(server, changesOf(writer, round));
        for (const result of results) if ("seq" in result) head = Math.max(head, result.seq);
      }
    };
    const isAtRest = (held: Held): boolean => !isWriting && (held.digest?.at ?? 0) >= head;

    // A reader that came to the head before the writers knew of it hears of it when idle.
    const poll = async (wait: number): Promise<Held> => {
      const held = createHeld();
      let cursor = "";
      while (!isAtRest(held)) {
        const page = await pull(server, { cursor, wait, limit: 3, tombstones: true });
        expect(page.reset).toBeUndefined();
        take(held, page);
        cursor = page.cursor ?? "";
      }
      return held;
    };

    const follow = async (limit: number): Promise<Held> => {
      const held = createHeld();
      const path = changesPath({ limit, tombstones: true });
      const stream = await openEvents(`${server.url}${path}`);
      streams.push(stream);
      while (!isAtRest(held)) {
        const event = await stream.next();
        if (event === null) throw new Error("the stream has ended");
        take(held, JSON.parse(event.data) as StreamEvent);
      }
      return held;
    };

    const writers = Promise.all(Array.from({ length: WRITERS }, (__, writer) => write(writer)));
    const readers = Promise.all([poll(0), poll(1), follow(2), follow(1_000), follow(1_000)]);
    await writers;
    isWriting = false;
    const all = await readers;

    const truth = createHeld();
    take(truth, await pull(server, { limit: 1_000, tombstones: true }));
    const recordsOf = (held: Held) => [...held.records.values()].toSorted((a, b) => a.seq - b.seq);
    for (const held of all) {
      expect(held.digest).toEqual(truth.digest);
      expect(recordsOf(held)).toEqual(recordsOf(truth));
    }
    expect(truth.digest?.at).toBe(head);
    expect(recordsOf(truth).length).toBeGreaterThan(1);
  }, 60_000);
});
