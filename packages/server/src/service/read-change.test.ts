import {
  collectionSet,
  type CollectionName,
  isJsonObject,
  type PushChange,
  type RejectionCode,
} from "@synchro/core";
import { defaultLimits, type JsonViolation, rejections } from "@synchro/protocol";
import { describe, expect, test } from "vitest";
import { createCollectionRegistry } from "../collections/collection-registry.ts";
import { systemRuntime } from "../system-runtime.ts";
import { type ChangeReading, readChange } from "./read-change.ts";

const registry = createCollectionRegistry({ ledger: { schema: { type: "object" } } });

const reading = (more: Partial<ChangeReading> = {}): ChangeReading => ({
  registry,
  limits: defaultLimits,
  collections: null,
  subject: null,
  sha256: systemRuntime.sha256,
  ...more,
});

const good = {
  collection: "readings",
  key: "a",
  updated_at: "2026-11-24T10:00:00Z",
  value: { expiration_date: "2026-12-01" },
};

const read = (
  change: unknown,
  more: Partial<ChangeReading> = {},
  violation?: JsonViolation,
): PushChange => readChange(reading(more), change, violation);

const refusalOf = (change: PushChange) =>
  change.kind === "refused" ? [change.rejection.code, change.rejection.path] : change;

const without = (member: keyof typeof good): object => {
  const { [member]: _, ...rest } = good;
  return rest;
};

const valued = (members: object): object => ({
  ...good,
  value: { expiration_date: "2026-12-01", ...members },
});

const inLedger = (value: unknown): object => ({ ...good, collection: "ledger", value });

type Case = readonly [what: string, change: unknown, code: RejectionCode, path: string];

const cases: readonly Case[] = [
  ["[DATA-8] null", null, "bad_change", ""],
  ["[DATA-8] a number", 7, "bad_change", ""],
  ["[DATA-8] an array", [good], "bad_change", ""],
  [
    "[FIELDS-8] a life where nothing is merged field by field",
    { ...good, life: 1 },
    "policy_mismatch",
    "/life",
  ],
  ["[DATA-8] no collection", without("collection"), "bad_change", "/collection"],
  [
    "[DATA-8] a collection that is no string",
    { ...good, collection: 1 },
    "bad_change",
    "/collection",
  ],
  [
    "[PUSH-16] an undeclared collection",
    { ...good, collection: "stock" },
    "unknown_collection",
    "/collection",
  ],
  [
    "[PUSH-16] what could not be declared",
    { ...good, collection: "No Name" },
    "unknown_collection",
    "/collection",
  ],
  [
    "[PUSH-16] a name of Object's prototype",
    { ...good, collection: "toString" },
    "unknown_collection",
    "/collection",
  ],
  ["[DATA-3] no key", without("key"), "bad_key", "/key"],
  ["[DATA-3] a key that is no string", { ...good, key: 4012345678901 }, "bad_key", "/key"],
  ["[DATA-3] an empty key", { ...good, key: "" }, "bad_key", "/key"],
  ["[DATA-3] a key of 251 code points", { ...good, key: "k".repeat(251) }, "bad_key", "/key"],
  [
    "[DATA-3] a key of 1,001 bytes",
    { ...good, key: "\u{1F600}".repeat(250) + "a" },
    "bad_key",
    "/key",
  ],
  ["[DATA-3] a lone surrogate in a key", { ...good, key: "\ud800" }, "bad_key", "/key"],
  ["[DATA-3] U+0000 in a key", { ...good, key: "a\u0000" }, "bad_key", "/key"],
  ["[DATA-4] no stamp", without("updated_at"), "bad_stamp", "/updated_at"],
  ["[DATA-4] a stamp that is a number", { ...good, updated_at: 1 }, "bad_stamp", "/updated_at"],
  [
    "[DATA-4] an offset in place of Z",
    { ...good, updated_at: "2026-11-24T10:00:00+00:00" },
    "bad_stamp",
    "/updated_at",
  ],
  [
    "[DATA-4] seven fractional digits",
    { ...good, updated_at: "2026-11-24T10:00:00.0000001Z" },
    "bad_stamp",
    "/updated_at",
  ],
  [
    "[DATA-4] a day that no calendar has",
    { ...good, updated_at: "2026-02-29T10:00:00Z" },
    "bad_stamp",
    "/updated_at",
  ],
  ["[DATA-8] a negative base", { ...good, base: -1 }, "bad_change", "/base"],
  ["[DATA-8] a base with a fraction", { ...good, base: 1.5 }, "bad_change", "/base"],
  ["[DATA-8] a base that is a string", { ...good, base: "1" }, "bad_change", "/base"],
  ["[DATA-8] an author that is no text", { ...good, author: 1 }, "bad_change", "/author"],
  [
    "[LIMIT-1] an author of 129 units",
    { ...good, author: "a".repeat(129) },
    "bad_change",
    "/author",
  ],
  ["[DATA-8] deleted that is no boolean", { ...good, deleted: 1 }, "bad_change", "/deleted"],
  ["[DATA-8] deleted null", { ...good, deleted: null }, "bad_change", "/deleted"],
  ["[DATA-8] deleted with a value", { ...good, deleted: true }, "bad_change", "/value"],
  [
    "[DATA-8] deleted with a null value",
    { ...good, deleted: true, value: null },
    "bad_change",
    "/value",
  ],
  ["[DATA-8] no value", without("value"), "bad_value", "/value"],
  [
    "[DATA-8] no value and deleted false",
    { ...without("value"), deleted: false },
    "bad_value",
    "/value",
  ],
  ["[DATA-8] a null value", { ...good, value: null }, "bad_value", "/value"],
  ["[DATA-8] an array as value", { ...good, value: [] }, "bad_value", "/value"],
  ["[DATA-8] a text as value", { ...good, value: "{}" }, "bad_value", "/value"],
  [
    "[DATA-9] a key field that is not the key",
    valued({ gtin: "b" }),
    "key_mismatch",
    "/value/gtin",
  ],
  [
    "[DATA-9] a key field that is the key as a number",
    { ...valued({ gtin: 1 }), key: "1" },
    "key_mismatch",
    "/value/gtin",
  ],
  ["[DATA-10] a member that starts with _", valued({ _id: 1 }), "reserved_member", "/value/_id"],
  [
    "[DATA-10] such a name with / and ~",
    valued({ "_a/b~c": 1 }),
    "reserved_member",
    "/value/_a~1b~0c",
  ],
  [
    "[LIMIT-5] a value that is too large",
    inLedger({ n: "x".repeat(262_137) }),
    "value_too_large",
    "/value",
  ],
  [
    "[DATA-17] a required member that lacks",
    { ...good, value: {} },
    "schema_mismatch",
    "/value/expiration_date",
  ],
  [
    "[DATA-17] a date that is none",
    valued({ expiration_date: "soon" }),
    "schema_mismatch",
    "/value/expiration_date",
  ],
  ["[DATA-17] less than nothing", valued({ quantity: -1 }), "schema_mismatch", "/value/quantity"],
];

describe("a change is refused with a code and a path", () => {
  test.each(cases)("%s", (_, change, code, path) => {
    const got = read(change);
    expect(refusalOf(got)).toEqual([code, path]);
    expect(got).toMatchObject({ rejection: { message: expect.stringMatching(/\w+ /) } });
    expect(got).not.toHaveProperty("rejection.stored");
  });

  test("every code that one change alone can earn is among them", () => {
    const elsewhere = ["stale", "stamp_ahead", "data_rule", "not_subscribed", "incomplete"];
    const covered = new Set([...cases.map(([, , code]) => code as string), ...elsewhere]);
    expect([...covered].toSorted()).toEqual(Object.keys(rejections).toSorted());
  });

  test("[PUSH-16] a declared collection that the request did not ask for", () => {
    const collections = collectionSet(["batches" as CollectionName]);
    expect(refusalOf(read(good, { collections }))).toEqual(["not_subscribed", "/collection"]);
    expect(refusalOf(read({ ...good, collection: "stock" }, { collections }))).toEqual([
      "unknown_collection",
      "/collection",
    ]);
  });

  test.each([
    ["/changes/7/value/n", "/value/n"],
    ["/changes/12/value/a~1b/0", "/value/a~1b/0"],
    ["/changes/0/key", "/key"],
    ["/changes/3", ""],
  ])("[DATA-16] a data rule broken at %s has the path %j within the change", (path, within) => {
    const got = read(good, {}, { path, rule: "number_precision" });
    expect(refusalOf(got)).toEqual(["data_rule", within]);
  });
});

describe("what is kept of a refused change", () => {
  const sized = (bytes: number): object => {
    const bare = { ...good, updated_at: "x", n: "" };
    return { ...bare, n: "x".repeat(bytes - JSON.stringify(bare).length) };
  };

  test("[EVID-7] its text, as far as rejectedBytesMax", () => {
    const atLimit = sized(defaultLimits.rejectedBytesMax);
    expect(read(atLimit)).toMatchObject({ kind: "refused", body: JSON.stringify(atLimit) });
    expect(read(sized(defaultLimits.rejectedBytesMax + 1))).toMatchObject({ body: null });
  });

  test("[EVID-7] the limit is of bytes, not of units", () => {
    const change = { ...good, updated_at: "é".repeat(40) };
    const units = JSON.stringify(change).length;
    const limits = { ...defaultLimits, rejectedBytesMax: units };
    expect(read(change, { limits })).toMatchObject({ body: null });
    const roomy = { ...defaultLimits, rejectedBytesMax: units + 40 };
    expect(read(change, { limits: roomy })).toMatchObject({ body: JSON.stringify(change) });
  });
});

describe("a change that is taken", () => {
  test("is read with nothing altered", () => {
    const value = { gtin: "a", expiration_date: "2026-12-01", z: 1.5, é: [null, { _x: true }] };
    expect(read({ ...good, value, base: 0, author: "ann" })).toEqual({
      kind: "write",
      collection: "readings",
      key: "a",
      stamp: expect.any(String),
      base: 0,
      author: { name: "ann", verified: false },
      value: JSON.stringify(value),
      fieldState: null,
    });
  });

  test("[PUSH-18] whatever other members it has", () => {
    expect(read({ ...good, colour: "red", _x: 1, seq: 7 })).toEqual(read(good));
  });

  test.each([
    ["null base", { base: null }],
    ["null author", { author: null }],
    ["deleted false", { deleted: false }],
  ])("%s equals an absent one", (_, members) => {
    expect(read({ ...good, ...members })).toEqual(read(good));
  });

  test("a delete has no value", () => {
    expect(read({ ...without("value"), deleted: true })).toMatchObject({
      kind: "write",
      value: null,
    });
  });

  test("[DATA-3] [LIMIT-5] at the very edge", () => {
    const key = "k".repeat(250);
    expect(read({ ...good, key })).toMatchObject({ kind: "write", key });
    const emoji = "\u{1F600}".repeat(250);
    expect(read({ ...good, key: emoji })).toMatchObject({ kind: "write", key: emoji });
    const full = { n: "x".repeat(262_136) };
    expect(JSON.stringify(full)).toHaveLength(defaultLimits.valueBytesMax);
    expect(read(inLedger(full))).toMatchObject({ kind: "write" });
    const wide = { n: "é".repeat(131_068) };
    expect(read(inLedger(wide))).toMatchObject({ kind: "write" });
    expect(refusalOf(read(inLedger({ n: `${wide.n}x` })))).toEqual(["value_too_large", "/value"]);
  });

  test("[DATA-10] below the top level a name may start with _", () => {
    expect(read(valued({ a: { _b: 1 } }))).toMatchObject({ kind: "write" });
  });

  test("[PUSH-20] its author is the token's subject unless it names one", () => {
    const authorOf = (author: string | undefined, subject: string | null) => {
      const got = read({ ...good, author }, { subject });
      return got.kind === "write" ? got.author : got;
    };
    expect(authorOf(undefined, null)).toBeNull();
    expect(authorOf(undefined, "ann")).toEqual({ name: "ann", verified: true });
    expect(authorOf("ann", "ann")).toEqual({ name: "ann", verified: true });
    expect(authorOf("bob", "ann")).toEqual({ name: "bob", verified: false });
    expect(authorOf("ann", null)).toEqual({ name: "ann", verified: false });
  });
});

describe("one bad change in a thousand", () => {
  test.each([0, 1, 499, 998, 999])("[PUSH-5] at %i is refused alone", (bad) => {
    const changes = Array.from({ length: 1_000 }, (_, index) => ({
      ...good,
      key: `k${index}`,
      ...(index === bad ? { updated_at: "yesterday" } : {}),
    }));
    const kinds = changes.map((change) => read(change).kind);
    expect(kinds.flatMap((kind, index) => (kind === "refused" ? [index] : []))).toEqual([bad]);
    expect(changes.every(isJsonObject)).toBe(true);
  });
});
