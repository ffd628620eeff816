import { DatabaseSync } from "node:sqlite";
import { parseStamp, type Stamp } from "@synchro/core";
import type { V1Answer } from "@synchro/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { startTestServer } from "../../../testing/start-test-server.ts";
import { listV1, syncV1 } from "../../../testing/v1-requests.ts";
import { deletion, push } from "../../../testing/v2-requests.ts";
import { MemoryStore } from "../../store/memory/memory-store.ts";
import { openSqliteStoreOver } from "../../store/sqlite/open-sqlite-store.ts";
import { onFatal } from "../../store/sqlite/sqlite-harness.contract.ts";
import type { Store, StoreOptions } from "../../store/store.ts";
import { systemRuntime } from "../../system-runtime.ts";

/** Microseconds since 1970. */
type Micros = bigint;

const MINUTE = 60_000_000n;

const microsOf = (utc: string): Micros => BigInt(Date.parse(utc)) * 1000n;

/** Few and close together, so that requests meet: with neighbours to the microsecond, and midnights. */
const instants: readonly Micros[] = [
  "2026-11-23T00:00:00Z",
  "2026-11-23T23:59:59Z",
  "2026-11-24T00:00:00Z",
  "2026-11-24T10:00:00Z",
].flatMap((utc) => [-1n, 0n, 1n, 500_000n].map((more) => microsOf(utc) + more));

/** As `/v1` prints an instant. */
const printed = (instant: Micros): string => {
  const micros = instant % 1_000_000n;
  const second = new Date(Number((instant - micros) / 1000n)).toISOString().slice(0, 19);
  return micros === 0n ? `${second}Z` : `${second}.${String(micros).padStart(6, "0")}Z`;
};

/** Other ways to write the same instant. */
const spellings: readonly ((instant: Micros) => string)[] = [
  printed,
  (instant) => printed(instant).replace("T", " ").replace("Z", ""),
  (instant) => `${printed(instant + 120n * MINUTE).slice(0, -1)}+02:00`,
  (instant) => `${printed(instant - 90n * MINUTE).slice(0, -1)}-0130`,
  (instant) => printed(instant).replace(/(\.\d{6})Z$/, "$1999Z"),
  (instant) => printed(instant).replace(/T00:00:00Z$/, ""),
  (instant) => printed(instant).replace(/:00Z$/, "+00"),
];

type Written = { readonly instant: Micros; readonly text: string };

const written: fc.Arbitrary<Written> = fc
  .tuple(fc.constantFrom(...instants), fc.constantFrom(...spellings))
  .map(([instant, spell]) => ({ instant, text: spell(instant) }));

/** In another order by UTF-16 units than by code points. */
const gtin = fc.constantFrom("a", "b", "é", "\uFFFD", "\u{1F600}");

type Sent = { readonly gtin: string; readonly at: Written; readonly expires: Written };

const sent: fc.Arbitrary<Sent> = fc.record({ gtin, at: written, expires: written });

type Position =
  | { readonly kind: "date"; readonly date: Written }
  | { readonly kind: "all" | "rubbish" }
  /** The n-th last cursor that was given out. */
  | { readonly kind: "cursor"; readonly ago: number };

const position: fc.Arbitrary<Position> = fc.oneof(
  written.map((date) => ({ kind: "date" as const, date })),
  fc.constant({ kind: "date" as const, date: { instant: 0n, text: "1970-01-01T00:00:00" } }),
  fc.constantFrom({ kind: "all" as const }, { kind: "rubbish" as const }),
  fc.nat(4).map((ago) => ({ kind: "cursor" as const, ago })),
);

type Step =
  | { readonly kind: "sync"; readonly from: Position; readonly records: readonly Sent[] }
  | { readonly kind: "list" }
  | { readonly kind: "delete"; readonly gtin: string; readonly at: Written };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("sync" as const),
      from: position,
      records: fc.array(sent, { maxLength: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: "list" as const }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("delete" as const), gtin, at: written }),
  },
);

type Shown = {
  readonly gtin: string;
  readonly updated_at: string;
  readonly expiration_date: string;
};

/** What the rules say of an answer: `cursor` is the head that it stands for. */
type Expected = {
  readonly data: readonly Shown[];
  readonly cursor: number | null;
  readonly reset: boolean;
};

type Version = { readonly at: Micros; readonly expires: Micros | null; readonly seq: number };

const byCodePoints = (a: string, b: string): number =>
  Buffer.compare(Buffer.from(a, "utf8"), Buffer.from(b, "utf8"));

/** A shop, straight from the rules; `expires` null is a tombstone. */
class ModelShop {
  readonly #versions = new Map<string, Version>();
  #head = 0;
  isThere = false;

  /** Sets what the greater stamp says; the first of equal ones stays. */
  #write(key: string, at: Micros, expires: Micros | null): void {
    this.isThere = true;
    const stored = this.#versions.get(key);
    if (stored !== undefined && stored.at >= at) return;
    this.#head += 1;
    this.#versions.set(key, { at, expires, seq: this.#head });
  }

  delete(key: string, at: Micros): void {
    this.#write(key, at, null);
  }

  /** `since` null: everything; `seq` null: the date decides. */
  sync(
    records: readonly Sent[],
    from: { readonly since: Micros | null; readonly seq: number | null; readonly reset: boolean },
  ): Expected {
    for (const { gtin: key, at, expires } of records) this.#write(key, at.instant, expires.instant);
    const live = [...this.#versions].flatMap(([key, { at, expires, seq }]) =>
      expires === null ? [] : [{ key, at, expires, seq }],
    );
    const isSent = (key: string): boolean => records.some((record) => record.gtin === key);
    const isNew = ({ at, seq }: Version): boolean =>
      from.seq === null ? from.since === null || at > from.since : seq > from.seq;
    const answered = live.filter((version) => isNew(version) || isSent(version.key));
    const isEcho = ({ key, at, expires }: (typeof live)[number]): boolean =>
      records.some(
        (record) =>
          record.gtin === key && record.at.instant === at && record.expires.instant === expires,
      );
    const data = answered
      .filter((version) => !isEcho(version))
      .toSorted((a, b) => {
        if (a.at !== b.at) return a.at > b.at ? -1 : 1;
        return byCodePoints(a.key, b.key);
      })
      .map(({ key, at, expires }) => ({
        gtin: key,
        updated_at: printed(at),
        expiration_date: printed(expires),
      }));
    const hasCursor = from.seq !== null || answered.length === live.length;
    return { data, cursor: hasCursor ? this.#head : null, reset: from.reset };
  }
}

type At = { readonly url: string };

/** `heads`: what cursors stand for, in the order in which they were first given out. */
const expectAnswer = (
  model: ModelShop,
  heads: Map<string, number>,
  { data, now, cursor, reset }: V1Answer,
  expected: Expected,
): void => {
  expect(data).toEqual(expected.data);
  expect(now).toBe("2026-12-01T00:00:00Z");
  expect(reset).toBe(expected.reset ? true : undefined);
  expect(cursor === undefined).toBe(expected.cursor === null);
  if (cursor === undefined || expected.cursor === null) return;
  expect(cursor === "").toBe(!model.isThere);
  if (cursor === "") return;
  // One place has one name, and one name is of one place.
  expect(heads.get(cursor) ?? expected.cursor).toBe(expected.cursor);
  const known = [...heads].find(([, head]) => head === expected.cursor);
  expect(known?.[0] ?? cursor).toBe(cursor);
  heads.set(cursor, expected.cursor);
};

/** Plays steps against a shop of a real server and against the model, and holds the answers together. */
class Play {
  readonly #at: At;
  readonly #shop: string;
  readonly #model = new ModelShop();
  readonly #heads = new Map<string, number>();

  constructor(at: At, shop: string) {
    this.#at = at;
    this.#shop = shop;
  }

  async take(each: Step): Promise<void> {
    if (each.kind === "delete") {
      this.#model.delete(each.gtin, each.at.instant);
      await push(this.#at, [deletion(each.gtin, printed(each.at.instant))], this.#shop);
    } else if (each.kind === "list") {
      const answer = await listV1(this.#at, this.#shop);
      expectAnswer(
        this.#model,
        this.#heads,
        answer,
        this.#model.sync([], { since: null, seq: null, reset: false }),
      );
    } else {
      await this.#sync(each.from, each.records);
    }
  }

  async #sync(from: Position, records: readonly Sent[]): Promise<void> {
    const { request, model } = this.#asked(from);
    const answer = await syncV1(this.#at, this.#shop, {
      ...request,
      newly_created_records: records.map(({ gtin: key, at, expires }) => ({
        gtin: key,
        updated_at: at.text,
        expiration_date: expires.text,
      })),
    });
    expectAnswer(this.#model, this.#heads, answer, this.#model.sync(records, model));
  }

  #asked(from: Position) {
    if (from.kind === "date") {
      const model = { since: from.date.instant, seq: null, reset: false };
      return { request: { last_sync_date: from.date.text }, model };
    }
    const [cursor, head] = [...this.#heads].at(-1 - (from.kind === "cursor" ? from.ago : 0)) ?? [];
    if (from.kind === "cursor" && cursor !== undefined && head !== undefined) {
      return { request: { cursor }, model: { since: null, seq: head, reset: false } };
    }
    const isRubbish = from.kind === "rubbish";
    const model = { since: null, seq: 0, reset: isRubbish };
    return { request: { cursor: isRubbish ? "c1.rubbish.1.-.readings" : "" }, model };
  }
}

const clock = parseStamp("2026-12-01T00:00:00Z") as Stamp;
const runtime = { ...systemRuntime, now: () => clock };

const engines: readonly (readonly [string, (options: StoreOptions) => Store, number])[] = [
  ["memory", (options) => new MemoryStore(options), 400],
  [
    "SQLite",
    (options) =>
      openSqliteStoreOver(new DatabaseSync(":memory:"), { ...options, bytesMax: null, onFatal }),
    120,
  ],
];

describe.each(engines)("on %s", (_, openStore, numRuns) => {
  test("[V1-4] [V1-5] [V1-6] [V1-12] [V1-15] [V1-17] [V1-21] [V1-22] any requests are answered as the rules say", async () => {
    const server = await startTestServer({ runtime, openStore });
    let shops = 0;
    const played = fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 12 }),
      async (steps) => {
        shops += 1;
        const play = new Play(server, `shop-${shops}`);
        for (const each of steps) await play.take(each);
      },
    );
    await fc.assert(played, { seed: 20_261_124, numRuns });
    await server.stop();
  });
});
