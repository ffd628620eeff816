import fc from "fast-check";
import type { Instant, Names, Value } from "./reference-space.ts";

export const DECLARED = ["batches", "readings"];

// Milliseconds of one day, 24 November 2026, with microseconds as fractions. The clock begins at 10:00.
export const START_MS = 36_000_000;
export const AHEAD_MS = 300_000;
export const STEP_MS = 1_000;

const pad = (value: number, length: number): string => String(value).padStart(length, "0");

export const instantAt = (ms: number): Instant => {
  const micros = Math.round(ms * 1_000);
  const seconds = Math.floor(micros / 1_000_000);
  const time = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  return `2026-11-24T${time.map((part) => pad(part, 2)).join(":")}.${pad(micros % 1_000_000, 6)}Z`;
};

export const msOf = (instant: Instant): number =>
  Number(instant.slice(11, 13)) * 3_600_000 +
  Number(instant.slice(14, 16)) * 60_000 +
  Number(instant.slice(17, 26)) * 1_000;

export const isToday = (instant: Instant): boolean => instant.startsWith("2026-11-24T");

/** DATA-5: how the server writes it. */
export const wire = (instant: Instant): string => instant.replace(".000000Z", "Z");

/** What a stamp is, before it is known when it is sent and what is stored then. */
export type StampWish =
  | { readonly at: "start" | "clock" | "stored"; readonly offsetMs: number }
  | { readonly at: "past"; readonly instant: Instant };

export type ChangeWish =
  | {
      readonly kind: "change";
      readonly collection: string;
      readonly key: string;
      readonly stamp: StampWish;
      readonly value: Value | null;
      readonly base: "stored" | "wrong" | null;
      readonly author: string | null;
    }
  | {
      readonly kind: "refused";
      readonly json: string;
      readonly code: string;
      readonly collection: string | null;
    };

/** Which of the cursors, or of the acks, a request names: the client's own, one from the past, or none that was ever given. */
export type PositionWish = "own" | "null" | "invalid" | { readonly earlier: number };

export type SyncWish = {
  readonly do: "sync";
  readonly client: number;
  readonly changes: readonly ChangeWish[];
  readonly cursor: PositionWish;
  readonly ack: PositionWish;
  readonly limit: number | null;
  readonly set: number | null;
  readonly pulls: boolean;
  readonly tombstones: boolean;
  readonly isLost: boolean;
};

export type Step =
  | SyncWish
  | { readonly do: "repeat"; readonly which: number }
  | { readonly do: "bad request"; readonly body: string }
  | { readonly do: "reopen" | "save" | "restore" }
  | { readonly do: "tick"; readonly ms: number }
  | { readonly do: "purge"; readonly offsetMs: number };

/** The sets of collections that requests name. */
export const sets: readonly Names[] = [null, ["readings"], ["batches", "readings"], ["batches"]];

export const keys = ["a", "é", "\u{1F600}"];

const valuesByCollection: { readonly [collection: string]: readonly (Value | null)[] } = {
  readings: [
    { expiration_date: "2026-12-01" },
    { expiration_date: "2026-12-01", quantity: 2 },
    { quantity: 2, expiration_date: "2026-12-01" },
    null,
  ],
  batches: [
    { gtin: "1", expiration_date: "2026-12-01", note: "x".repeat(100) },
    { gtin: "2", expiration_date: "2027-01-01" },
    null,
  ],
};

const refused = (
  code: string,
  json: string,
  collection: string | null = "readings",
): ChangeWish => ({
  kind: "refused",
  code,
  json,
  collection,
});

const at = "2026-11-24T09:00:00Z";
const refusedChanges: readonly ChangeWish[] = [
  refused("bad_change", "null", null),
  refused("unknown_collection", '{"collection":"stock","key":"r0"}', null),
  refused("bad_key", '{"collection":"readings","key":""}'),
  refused("bad_stamp", '{"collection":"readings","key":"r1","updated_at":"soon"}'),
  refused("bad_value", `{"collection":"readings","key":"r2","updated_at":"${at}","value":1}`),
  refused(
    "schema_mismatch",
    `{"collection":"batches","key":"r3","updated_at":"${at}","value":{}}`,
    "batches",
  ),
  refused(
    "key_mismatch",
    `{"collection":"readings","key":"r4","updated_at":"${at}","value":{"gtin":"x"}}`,
  ),
  refused("data_rule", String.raw`{"collection":"readings","key":"r5","x":"\ud800"}`),
];

const badRequests: readonly string[] = [
  "",
  "{",
  "[]",
  '{"limit":0,"changes":[]}',
  '{"collections":["stock"]}',
  '{"collections":[]}',
  '{"cursor":null,"cursor":null}',
  `{"changes":[{"collection":"readings","key":"a","updated_at":"${at}","deleted":true}],"x":1e400}`,
];

const stampWish: fc.Arbitrary<StampWish> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      at: fc.constant("start" as const),
      offsetMs: fc.constantFrom(-2_000, -1_000, -0.001, 0, 0.001, 1_000, 2_000, 61_000),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      at: fc.constant("clock" as const),
      offsetMs: fc.constantFrom(AHEAD_MS, AHEAD_MS + 0.001, AHEAD_MS * 3),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      at: fc.constant("stored" as const),
      offsetMs: fc.constantFrom(-0.001, 0, 0.001, STEP_MS, STEP_MS + 0.001),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      at: fc.constant("past" as const),
      instant: fc.constantFrom("0001-01-01T00:00:00.000000Z", "1999-12-31T23:59:59.999999Z"),
    }),
  },
);

const changeWish: fc.Arbitrary<ChangeWish> = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.constantFrom(...DECLARED, "readings").chain((collection) =>
      fc.record({
        kind: fc.constant("change" as const),
        collection: fc.constant(collection),
        key: fc.constantFrom(...keys),
        stamp: stampWish,
        value: fc.constantFrom(...(valuesByCollection[collection] ?? [])),
        base: fc.constantFrom("stored" as const, "stored" as const, "wrong" as const, null),
        author: fc.constantFrom(null, null, "ann", "bo"),
      }),
    ),
  },
  { weight: 2, arbitrary: fc.constantFrom(...refusedChanges) },
);

const changeWishes = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.uniqueArray(changeWish, {
      maxLength: 6,
      selector: (wish) => (wish.kind === "change" ? `${wish.collection} ${wish.key}` : wish.json),
    }),
  },
  { weight: 1, arbitrary: fc.array(changeWish, { maxLength: 4 }) },
);

const positionWish: fc.Arbitrary<PositionWish> = fc.oneof(
  { weight: 12, arbitrary: fc.constant("own" as const) },
  { weight: 1, arbitrary: fc.constantFrom("null" as const, "invalid" as const) },
  { weight: 3, arbitrary: fc.record({ earlier: fc.nat() }) },
);

const rarely = fc.integer({ min: 0, max: 7 }).map((drawn) => drawn === 0);

export const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 14,
    arbitrary: fc.record({
      do: fc.constant("sync" as const),
      client: fc.nat(2),
      changes: changeWishes,
      cursor: positionWish,
      ack: positionWish,
      limit: fc.constantFrom(null, 1, 2, 3, 100),
      set: fc.oneof(
        { weight: 8, arbitrary: fc.constant(null) },
        { weight: 1, arbitrary: fc.nat(sets.length - 1) },
      ),
      pulls: rarely.map((isRare) => !isRare),
      tombstones: rarely,
      isLost: rarely,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("repeat" as const), which: fc.nat() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("bad request" as const),
      body: fc.constantFrom(...badRequests),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom("reopen" as const, "save" as const, "restore" as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("tick" as const),
      ms: fc.constantFrom(-2_000, 0.001, 1_000, 60_000),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("purge" as const),
      offsetMs: fc.constantFrom(-1_000, 0, 0.001, 3_000, 120_000),
    }),
  },
);
