import { builtInCollections } from "@synchro/protocol";
import { describe, expect, expectTypeOf, test } from "vitest";
import { collection, type RowOf, toServerCollection } from "./collection.ts";
import { checkValue, readRow } from "./read-value.ts";
import { t } from "./t.ts";

const readings = collection("readings", {
  key: "gtin",
  fields: {
    gtin: t.string(),
    expiration_date: t.date(),
    quantity: t.integer().optional(),
    lines: t
      .array(t.object({ "a/b~c": t.number({ minimum: 0 }), note: t.string().optional() }))
      .optional(),
  },
});

const batches = collection("batches", {
  fields: { gtin: t.string({ minLength: 1, maxLength: 3 }), state: t.oneOf("open", "sold") },
});

const good = { gtin: "04012345678901", expiration_date: "2026-12-01" };

const faultsOf = (value: unknown): readonly string[] => {
  const checked = checkValue(readings, value);
  return checked.kind === "valid"
    ? []
    : checked.faults.map(({ path, message }) => `${path}: ${message}`);
};

describe("a value is refused, with the path of each fault,", () => {
  test.each<[string, unknown, readonly string[]]>([
    ["no object", null, [": value must be an object"]],
    ["an array", [], [": value must be an object"]],
    [
      "members missing",
      {},
      ["/gtin: gtin is required", "/expiration_date: expiration_date is required"],
    ],
    ["a member undefined", { ...good, gtin: undefined }, ["/gtin: gtin is required"]],
    ["null", { ...good, quantity: null }, ["/quantity: quantity must be an integer"]],
    ["a fraction", { ...good, quantity: 1.5 }, ["/quantity: quantity must be an integer"]],
    ["a wrong type", { ...good, gtin: 5 }, ["/gtin: gtin must be a string"]],
    [
      "no date",
      { ...good, expiration_date: "2026-02-30" },
      [
        "/expiration_date: expiration_date must be an ISO 8601 date or date-time, such as 2026-12-01 or 2026-12-01T08:30:00Z",
      ],
    ],
    [
      "faults deep inside",
      { ...good, lines: [{ "a/b~c": 1 }, { "a/b~c": -1, note: 3 }] },
      [
        "/lines/1/a~1b~0c: lines/1/a/b~c must be at least 0",
        "/lines/1/note: lines/1/note must be a string",
      ],
    ],
    [
      "an inherited member",
      Object.create({ ...good }),
      [": value must be JSON: no instance of a class"],
    ],
    ["an empty key", { ...good, gtin: "" }, ["/gtin: the key must not be empty"]],
    [
      "a long key",
      { ...good, gtin: "k".repeat(251) },
      ["/gtin: the key must have at most 250 code points"],
    ],
  ])("%s", (_, value, faults) => {
    expect(faultsOf(value)).toEqual(faults);
  });

  test.each<[string, unknown, string]>([
    ["[DATA-10] a reserved member", { _rev: 1 }, "/_rev: _rev must not start with _"],
    [
      "[DATA-14] __proto__ from a parser",
      JSON.parse('{"__proto__":{"admin":true}}'),
      "/__proto__: __proto__ must not have that name",
    ],
    [
      "[DATA-14] constructor, deep inside",
      { more: [{ constructor: 1 }] },
      "/more/0/constructor: more/0/constructor must not have that name",
    ],
    [
      "[DATA-13] U+0000",
      { note: "a\u0000" },
      "/note: note must be well-formed Unicode without U+0000",
    ],
    [
      "[DATA-13] a lone surrogate in a name",
      { "\ud800": 1 },
      "/\ud800: \ud800 is a name that must be well-formed Unicode without U+0000",
    ],
    ["[DATA-12] infinity", { n: Number.POSITIVE_INFINITY }, "/n: n must be a finite number"],
    ["a function", { f: () => {} }, "/f: f must be JSON"],
    ["a bigint", { n: 5n }, "/n: n must be JSON"],
    ["a hole", { list: [undefined] }, "/list/0: list/0 must be JSON"],
    ["an instance", { when: new Date(0) }, "/when: when must be JSON: no instance of a class"],
  ])("%s", (_, more, fault) => {
    const value = Object.create(Object.prototype, {
      ...Object.getOwnPropertyDescriptors(good),
      ...Object.getOwnPropertyDescriptors(more),
    });
    expect(faultsOf(value)).toEqual([fault]);
  });

  test("[DATA-15] too deep, itself counted, cycles too", () => {
    const nest = (depth: number): unknown => (depth === 0 ? 1 : { inner: nest(depth - 1) });
    expect(faultsOf({ ...good, deep: nest(31) })).toEqual([]);
    expect(faultsOf({ ...good, deep: nest(32) })).toHaveLength(1);
    const round: { self?: unknown } = {};
    round.self = round;
    expect(faultsOf({ ...good, round })).toHaveLength(1);
  });

  test("too long as text", () => {
    expect(faultsOf({ ...good, note: "x".repeat(262_000) })).toEqual([]);
    expect(faultsOf({ ...good, note: "ü".repeat(131_100) })).toEqual([
      ": value must have at most 262144 bytes",
    ]);
  });

  test("[DATA-9] a member that repeats another key", () => {
    expect(checkValue(readings, good, "other")).toMatchObject({
      faults: [{ path: "/gtin", message: 'gtin must equal the record\'s key, "other"' }],
    });
  });

  test("no key, where none is in the value", () => {
    const value = { gtin: "123", state: "open" };
    expect(checkValue(batches, value)).toMatchObject({
      faults: [{ path: "", message: "value needs a key, which is a string" }],
    });
    expect(checkValue(batches, value, "b1")).toMatchObject({ kind: "valid", key: "b1" });
    expect(checkValue(batches, { gtin: "1234", state: "old" }, "b1")).toMatchObject({
      faults: [
        { message: "gtin must have at most 3 characters" },
        { message: 'state must be one of "open", "sold"' },
      ],
    });
  });
});

describe("a value that is right", () => {
  test.each([
    "2026-12-01",
    "2026-12-01T08:30:00Z",
    "2026-12-01 08:30+02",
    "2026-12-01T08:30:00.123456789",
  ])("[DATA-19] may have the expiration date %s, kept as it is written", (expiration_date) => {
    expect(checkValue(readings, { ...good, expiration_date })).toMatchObject({
      text: JSON.stringify({ ...good, expiration_date }),
    });
  });

  test("keeps members that are not declared, and leaves out what is undefined", () => {
    const value = { ...good, shelf: { row: 4 }, quantity: undefined };
    const checked = checkValue(readings, value);
    expect(checked).toEqual({
      kind: "valid",
      key: good.gtin,
      text: '{"gtin":"04012345678901","expiration_date":"2026-12-01","shelf":{"row":4}}',
    });
  });

  test("comes back with its unknown members, which survive the next put", () => {
    const text = '{"gtin":"1","expiration_date":"2026-12-01","from_the_future":{"x":[1,null]}}';
    const row = readRow(readings, "1", text);
    const changed = checkValue(readings, { ...row, quantity: 3 });
    expect(changed).toMatchObject({ kind: "valid" });
    expect(JSON.parse(changed.kind === "valid" ? changed.text : "")).toEqual({
      ...JSON.parse(text),
      quantity: 3,
    });
  });

  test("gets its key put in where another writer left it out", () => {
    expect(readRow(readings, "1", '{"expiration_date":"2026-12-01"}')).toEqual({
      gtin: "1",
      expiration_date: "2026-12-01",
    });
    expect(readRow(batches, "b1", '{"gtin":"1"}')).toEqual({ gtin: "1" });
  });
});

describe("the compiler knows", () => {
  test("the row of a declaration", () => {
    expectTypeOf<RowOf<typeof readings>>().toEqualTypeOf<{
      gtin: string;
      expiration_date: string;
      quantity?: number;
      lines?: readonly { "a/b~c": number; note?: string }[];
    }>();
    expectTypeOf<RowOf<typeof batches>>().toEqualTypeOf<{ gtin: string; state: "open" | "sold" }>();
    // @ts-expect-error the key is one of the fields
    expect(() => collection("readings", { key: "nope", fields: { gtin: t.string() } })).toThrow(
      "the key nope",
    );
  });
});

describe("a declaration is refused", () => {
  const fields = { gtin: t.string(), n: t.integer(), note: t.string().optional() };
  test.each<[string, () => unknown, string]>([
    ["with a bad name", () => collection("Readings", { fields }), "name is"],
    ["with a reserved field", () => collection("x", { fields: { _id: t.string() } }), "x._id"],
    [
      "with a key that may be left out",
      () => collection("x", { key: "note", fields }),
      "the key note",
    ],
    ["with a key that is no string", () => collection("x", { key: "n", fields }), "the key n"],
    [
      "with an inherited name as key",
      () => collection("x", { key: "toString" as "n", fields }),
      "the key",
    ],
    [
      "of a later version without an upgrade",
      () => collection("x", { version: 2, fields }),
      "needs an upgrade",
    ],
    ["of a broken version", () => collection("x", { version: 1.5, fields }), "an integer"],
  ])("%s", (_, declare, message) => {
    expect(declare).toThrow(message);
  });
});

test("the server can share the declaration: its JSON Schema, the key not required", () => {
  expect(toServerCollection(readings).schema).toEqual({
    type: "object",
    required: ["expiration_date"],
    properties: {
      gtin: { type: "string" },
      expiration_date: { type: "string", format: "instant" },
      quantity: { type: "integer" },
      lines: {
        type: "array",
        items: {
          type: "object",
          required: ["a/b~c"],
          properties: { "a/b~c": { type: "number", minimum: 0 }, note: { type: "string" } },
        },
      },
    },
  });
  const { schema } = builtInCollections.readings;
  expect(toServerCollection(readings).schema["required"]).toEqual(schema.required);
  expect(schema.properties.expiration_date).toMatchObject({ type: "string", format: "instant" });
  expect(
    toServerCollection(
      collection("x", { fields: { a: t.json().optional(), b: t.boolean().optional() } }),
    ),
  ).toEqual({
    schema: { type: "object", properties: { a: {}, b: { type: "boolean" } } },
  });
});

test("the server is told how edits meet", () => {
  const fields = { sku: t.string(), most: t.integer(), tags: t.array(t.string()) };
  const functions = { most: "max", tags: "union" } as const;
  const articles = collection("articles", { key: "sku", fields, merge: "fields", functions });
  expect(toServerCollection(articles)).toMatchObject({ key: "sku", merge: "fields", functions });
  expect(toServerCollection(articles).schema["required"]).toEqual(["most", "tags"]);
  expect(() => collection("articles", { fields, functions })).toThrow(
    /^articles: functions need merge: "fields"/,
  );
});
