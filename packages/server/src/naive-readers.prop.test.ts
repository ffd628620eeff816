import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { isDeepStrictEqual } from "node:util";
import { parseStamp, type SpaceId, type Stamp } from "@synchro/core";
import type { WireSyncAnswer } from "@synchro/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../testing/start-test-server.ts";
import { postSync, shop } from "../testing/v2-requests.ts";
import { MemoryDisk } from "./store/memory/memory-disk.ts";
import { MemoryStore } from "./store/memory/memory-store.ts";
import { openSqliteStoreOver } from "./store/sqlite/open-sqlite-store.ts";
import type { Store, StoreOptions } from "./store/store.ts";
import { systemRuntime } from "./system-runtime.ts";

// The model is written from the rules and shares no code with the server: a map, and the later stamp.

type Value = { readonly [member: string]: unknown };
type Kept = {
  readonly collection: string;
  readonly key: string;
  readonly seq: number;
  readonly ms: number;
  readonly value: Value | null;
};
type ModelRecord = Kept & { readonly committedMs: number };

/** A change as it is sent, and what the rules say of it before any record is looked at. */
type Sent = {
  readonly json: string;
  readonly refusal: string | null;
  readonly collection: string | null;
};
type Names = readonly string[] | null;
type Result = NonNullable<WireSyncAnswer["results"]>[number];

const START_MS = Date.parse("2026-11-24T10:00:00Z");
const iso = (ms: number): string => new Date(ms).toISOString();
const idOf = ({ collection, key }: { readonly collection: string; readonly key: string }): string =>
  `${collection} ${key}`;
const isIn = (set: Names, collection: string): boolean => set === null || set.includes(collection);

class Model {
  head = 0;
  floor = 0;
  cutoffMs = Number.NEGATIVE_INFINITY;
  readonly records = new Map<string, ModelRecord>();

  /** What PUSH-*, LWW-* and CLOCK-* say of one change; it is applied if they say so. */
  judge(sent: Sent, set: Names, nowMs: number): object {
    if (sent.refusal === "data_rule" || sent.collection === null) return { code: sent.refusal };
    if (!isIn(set, sent.collection)) return { code: "not_subscribed" };
    if (sent.refusal !== null) return { code: sent.refusal };
    const change = JSON.parse(sent.json) as {
      collection: string;
      key: string;
      updated_at: string;
      value?: Value;
    };
    const ms = Date.parse(change.updated_at);
    const value = change.value ?? null;
    const stored = this.records.get(idOf(change));
    if (stored === undefined && ms <= this.cutoffMs) {
      return value === null ? { seq: 0 } : { code: "stale" };
    }
    const maxMs = Math.max(nowMs + 300_000, stored === undefined ? 0 : stored.ms + 1_000);
    if (ms > maxMs) return { code: "stamp_ahead", stored: stored?.ms ?? null };
    if (stored !== undefined && ms === stored.ms && isDeepStrictEqual(value, stored.value)) {
      return { seq: stored.seq };
    }
    if (stored !== undefined && ms <= stored.ms) return { superseded: stored.seq };
    this.head += 1;
    const { collection, key } = change;
    const record = { collection, key, seq: this.head, ms, value, committedMs: nowMs };
    this.records.set(idOf(change), record);
    return { seq: this.head };
  }

  purge(cutoffMs: number): number {
    const gone = [...this.records].filter(
      ([, { value, ms, committedMs }]) => value === null && ms < cutoffMs && committedMs < cutoffMs,
    );
    for (const [id, { seq }] of gone) {
      this.records.delete(id);
      this.floor = Math.max(this.floor, seq);
    }
    if (gone.length > 0) this.cutoffMs = Math.max(this.cutoffMs, cutoffMs);
    return gone.length;
  }

  live(set: Names): readonly Kept[] {
    return [...this.records.values()]
      .filter(({ value, collection }) => value !== null && isIn(set, collection))
      .map(({ collection, key, seq, ms, value }) => ({ collection, key, seq, ms, value }))
      .toSorted((a, b) => a.seq - b.seq);
  }

  /** DIGEST-1, over the live records of a collection. */
  digest(collection: string): { readonly count: number; readonly sum: string } {
    const live = this.live([collection]);
    let sum = 0n;
    for (const { key, seq } of live) {
      const hash = createHash("sha256").update(`${collection}\0${key}\0${seq}`).digest();
      sum += hash.readBigUInt64BE(0);
    }
    const hex = (sum & 0xffff_ffff_ffff_ffffn).toString(16).padStart(16, "0");
    return { count: live.length, sum: hex };
  }
}

const plainResult = (result: Result): object => {
  if (!("rejected" in result)) return result;
  const { code, stored } = result.rejected;
  if (code !== "stamp_ahead") return { code };
  return { code, stored: typeof stored === "string" ? Date.parse(stored) : null };
};

/** Believes whatever it is told, in the order in which it is told. */
class Reader {
  cursor: string | null = null;
  isOffer = false;
  readonly records = new Map<string, Kept>();
  readonly set: Names;
  constructor(set: Names) {
    this.set = set;
  }

  apply(answer: WireSyncAnswer, sent: readonly Sent[]): void {
    if (answer.reset !== undefined) this.records.clear();
    if (answer.reset === "offer") this.isOffer = true;
    for (const record of answer.changes) {
      const { collection, key, seq, updated_at: at } = record;
      if ("deleted" in record) this.records.delete(idOf(record));
      else {
        const ms = Date.parse(at);
        this.records.set(idOf(record), { collection, key, seq, ms, value: record.value });
      }
    }
    for (const [index, result] of (answer.results ?? []).entries()) {
      if (!("seq" in result)) continue;
      const change = JSON.parse(sent[index]?.json ?? "") as {
        collection: string;
        key: string;
        updated_at: string;
        value?: Value;
      };
      const { collection, key, updated_at: at, value } = change;
      if (value === undefined) this.records.delete(idOf(change));
      else {
        this.records.set(idOf(change), {
          collection,
          key,
          seq: result.seq,
          ms: Date.parse(at),
          value,
        });
      }
    }
    this.cursor = answer.cursor ?? null;
    if (answer.more === false) this.isOffer = false;
  }

  held(): readonly Kept[] {
    return [...this.records.values()].toSorted((a, b) => a.seq - b.seq);
  }
}

type Ground = (options: StoreOptions) => Store;

const same = (actual: unknown, expected: unknown): void => {
  expect(actual).toEqual(expected);
};

class World {
  readonly model = new Model();
  readonly readers = [
    new Reader(null),
    new Reader(null),
    new Reader(["readings"]),
    new Reader(["batches", "readings"]),
  ];
  readonly bodies: {
    readonly text: string;
    readonly sent: readonly Sent[];
    readonly set: Names;
  }[] = [];
  nowMs = START_MS;
  #server: TestServer | null = null;
  readonly #ground: Ground;
  constructor(ground: Ground) {
    this.#ground = ground;
  }

  async open(): Promise<void> {
    await this.#server?.stop();
    this.#server = await startTestServer({
      runtime: { ...systemRuntime, now: () => parseStamp(iso(this.nowMs)) as Stamp },
      limits: { lostBytesMax: 300, pageRecordsDefault: 3 },
      openStore: this.#ground,
    });
  }
  async close(): Promise<void> {
    await this.#server?.stop();
  }
  get server(): TestServer {
    if (this.#server === null) throw new Error("the world is closed");
    return this.#server;
  }

  /** Sends a body, holds its results against the model, and gives the answer. */
  async post(text: string, sent: readonly Sent[], set: Names): Promise<WireSyncAnswer | null> {
    const { status, json } = await postSync(this.server, text);
    const targets = sent.flatMap(({ json: change }) => {
      const { collection, key } = (JSON.parse(change) ?? {}) as {
        collection?: unknown;
        key?: unknown;
      };
      return typeof collection === "string" && typeof key === "string"
        ? [`${collection} ${key}`]
        : [];
    });
    if (new Set(targets).size < targets.length) {
      same((json as { code?: unknown }).code, "duplicate_key");
      return null;
    }
    same([status, (json as { detail?: unknown }).detail], [200, undefined]);
    const answer = json as WireSyncAnswer;
    const results = answer.results ?? [];
    const expected = sent
      .slice(0, results.length)
      .map((each) => this.model.judge(each, set, this.nowMs));
    same(results.map(plainResult), expected);
    if (sent.length > 0) same(results.length > 0, true);
    for (const result of results) {
      if (!("superseded" in result)) continue;
      same(answer.changes.filter(({ seq }) => seq === result.superseded).length, 1);
    }
    const seqs = answer.changes.map(({ seq }) => seq);
    same(new Set(seqs).size, seqs.length);
    return answer;
  }

  async push(sent: readonly Sent[], client: number): Promise<void> {
    const text = `{"client_id":"c${client}","pull":false,"changes":[${sent.map(({ json }) => json).join(",")}]}`;
    this.bodies.push({ text, sent, set: null });
    await this.post(text, sent, null);
  }

  async sync(
    reader: Reader,
    sent: readonly Sent[],
    limit: number | null,
    isLost: boolean,
  ): Promise<WireSyncAnswer | null> {
    const head = JSON.stringify({
      cursor: reader.cursor,
      ...(reader.set === null ? {} : { collections: reader.set }),
      ...(limit === null ? {} : { limit }),
      tombstones: reader.isOffer,
    }).slice(0, -1);
    const text = `${head},"changes":[${sent.map(({ json }) => json).join(",")}]}`;
    this.bodies.push({ text, sent, set: reader.set });
    const answer = await this.post(text, sent, reader.set);
    if (answer === null || isLost) return answer;
    reader.apply(answer, sent);
    if (answer.more === false) this.check(reader, answer);
    return answer;
  }

  /** At the end of a run a reader holds what the model holds, and the digest says so. */
  check(reader: Reader, answer: WireSyncAnswer): void {
    same(reader.held(), this.model.live(reader.set));
    const names = [...(reader.set ?? ["batches", "readings"])];
    same(answer.digest?.at, this.model.head);
    same(
      answer.digest?.collections,
      Object.fromEntries(names.map((name) => [name, this.model.digest(name)])),
    );
  }

  async finish(): Promise<void> {
    for (const reader of [...this.readers, new Reader(null), new Reader(["batches"])]) {
      for (let pages = 0; ; pages += 1) {
        const answer = await this.sync(reader, [], null, false);
        if (answer?.more !== true) break;
        same(pages < 100, true);
      }
    }
  }
}

const keys = ["a", "é", "\u{1F600}"];
const values: { readonly [collection: string]: readonly Value[] } = {
  readings: [
    { expiration_date: "2026-12-01" },
    { expiration_date: "2026-12-01", quantity: 2, note: "x" },
    { quantity: 2, expiration_date: "2026-12-01", note: "x" },
  ],
  batches: [
    { gtin: "1", expiration_date: "2026-12-01" },
    { gtin: "2", expiration_date: "2027-01-01" },
  ],
};
const bent = (json: string, refusal: string, collection: string | null = "readings"): Sent => ({
  json,
  refusal,
  collection,
});
const hostile: readonly Sent[] = [
  bent("null", "bad_change", null),
  bent("[]", "bad_change", null),
  bent("{}", "bad_change", null),
  bent('{"collection":"stock","key":"a"}', "unknown_collection", null),
  bent('{"collection":"readings"}', "bad_key"),
  bent('{"collection":"readings","key":""}', "bad_key"),
  bent('{"collection":"readings","key":"h1","updated_at":"soon"}', "bad_stamp"),
  bent('{"collection":"readings","key":"h2","updated_at":"2026-11-24T10:00:00Z"}', "bad_value"),
  bent(
    '{"collection":"readings","key":"h3","updated_at":"2026-11-24T10:00:00Z","value":{}}',
    "schema_mismatch",
  ),
  bent(
    '{"collection":"readings","key":"h4","updated_at":"2026-11-24T10:00:00Z","value":{"_a":1}}',
    "reserved_member",
  ),
  bent(
    '{"collection":"readings","key":"h5","updated_at":"2026-11-24T10:00:00Z","value":{"gtin":"x"}}',
    "key_mismatch",
  ),
  bent(
    '{"collection":"readings","key":"h6","updated_at":"2026-11-24T10:00:00Z","deleted":true,"value":{}}',
    "bad_change",
  ),
  bent(String.raw`{"collection":"readings","key":"h7","x":"\ud800"}`, "data_rule"),
  bent('{"collection":"readings","key":"h8","x":1e400}', "data_rule"),
];

/** Of few records and few stamps, so that they meet; some clocks are an hour ahead or years behind. */
const goodChange = fc
  .record({
    collection: fc.constantFrom("readings", "readings", "batches"),
    key: fc.constantFrom(...keys),
    offsetMs: fc.oneof(
      { arbitrary: fc.integer({ min: -5, max: 5 }).map((step) => step * 1_000), weight: 8 },
      {
        arbitrary: fc.constantFrom(300_000, 300_001, 301_000, 301_001, 3_600_000, -9e10),
        weight: 2,
      },
    ),
    which: fc.nat(),
  })
  .map(({ collection, key, offsetMs, which }): Sent => {
    const head = { collection, key, updated_at: iso(START_MS + offsetMs) };
    const choices = values[collection] ?? [];
    const value = choices[which % (choices.length + 1)];
    const change = value === undefined ? { ...head, deleted: true } : { ...head, value };
    return { json: JSON.stringify(change), refusal: null, collection };
  });
const change = fc.oneof(
  { arbitrary: goodChange, weight: 8 },
  { arbitrary: fc.constantFrom(...hostile), weight: 1 },
);
const changes = fc.oneof(
  {
    arbitrary: fc.uniqueArray(change, {
      maxLength: 5,
      minLength: 1,
      selector: ({ json }) => {
        const { collection, key } = (JSON.parse(json) ?? {}) as {
          collection?: string;
          key?: string;
        };
        return `${collection} ${key}`;
      },
    }),
    weight: 9,
  },
  { arbitrary: fc.array(change, { minLength: 1, maxLength: 5 }), weight: 1 },
);
const step = fc.oneof(
  {
    arbitrary: fc.record({ do: fc.constant("push" as const), changes, client: fc.nat(2) }),
    weight: 5,
  },
  {
    arbitrary: fc.record({
      do: fc.constant("sync" as const),
      changes: fc.oneof(fc.constant([]), changes),
      reader: fc.nat(3),
      limit: fc.constantFrom(null, 1, 2, 100),
      isLost: fc.boolean().map((lost) => lost && true),
    }),
    weight: 8,
  },
  { arbitrary: fc.record({ do: fc.constant("repeat" as const), which: fc.nat() }), weight: 2 },
  { arbitrary: fc.record({ do: fc.constant("reopen" as const) }), weight: 1 },
  {
    arbitrary: fc.record({
      do: fc.constant("tick" as const),
      ms: fc.constantFrom(-2_000, 1_000, 60_000),
    }),
    weight: 1,
  },
  {
    arbitrary: fc.record({
      do: fc.constant("purge" as const),
      ms: fc.constantFrom(-1_000, 1_000, 3_000, 9_000),
    }),
    weight: 2,
  },
);
type Step = typeof step extends fc.Arbitrary<infer Each> ? Each : never;

const take = async (world: World, each: Step): Promise<void> => {
  switch (each.do) {
    case "push":
      return world.push(each.changes, each.client);
    case "sync": {
      const reader = world.readers[each.reader];
      if (reader !== undefined) await world.sync(reader, each.changes, each.limit, each.isLost);
      return;
    }
    case "repeat": {
      const body = world.bodies[each.which % world.bodies.length];
      if (body !== undefined) await world.post(body.text, body.sent, body.set);
      return;
    }
    case "reopen":
      return world.open();
    case "tick":
      world.nowMs += each.ms;
      return;
    case "purge": {
      const cutoffMs = START_MS + each.ms;
      // Else purges find little: a delete that is later than most, just before.
      const [key] = keys;
      const updated = iso(START_MS + 6_000);
      const gone = { collection: "readings", key, updated_at: updated, deleted: true };
      await world.push([{ json: JSON.stringify(gone), refusal: null, collection: "readings" }], 0);
      const outcome = await world.server.store.purge(
        shop as SpaceId,
        parseStamp(iso(cutoffMs)) as Stamp,
      );
      expect(outcome).toEqual({ purged: world.model.purge(cutoffMs), floor: world.model.floor });
    }
  }
};

const onFatal = (error: Error): void => {
  throw error;
};
const grounds: readonly (readonly [name: string, create: () => Ground])[] = [
  [
    "memory",
    () => {
      const disk = new MemoryDisk();
      return (options) => new MemoryStore(options, disk);
    },
  ],
  [
    "SQLite",
    () => {
      const database = new DatabaseSync(":memory:");
      return (options) => openSqliteStoreOver(database, { ...options, bytesMax: null, onFatal });
    },
  ],
];

describe.each(grounds)("over HTTP, on %s", (_, createGround) => {
  test("[LWW-1] [PULL-1] [PUSH-5] [DIGEST-1] every naive reader ends with what a map and the later stamp come to", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 40, size: "max" }),
        async (steps) => {
          const world = new World(createGround());
          await world.open();
          try {
            for (const each of steps) await take(world, each);
            await world.finish();
          } finally {
            await world.close();
          }
        },
      ),
      { seed: 20_261_124, numRuns: 40 },
    );
  }, 120_000);
});
