import Type from "typebox";
import { describe, expect, test } from "vitest";
import { createChecker } from "./checker.ts";
import { defaultLimits } from "./limits.ts";
import { createChangeSchema } from "./messages/change.ts";
import {
  createSyncRequestDocumentSchema,
  createSyncRequestSchema,
} from "./messages/sync-request.ts";
import { createV1SyncRequestSchema } from "./messages/v1-sync-request.ts";

const errorsOf = (checked: ReturnType<ReturnType<typeof createChecker>>) =>
  checked.kind === "ok" ? [] : checked.errors;

describe("a sync request that breaks its schema is refused by path, field and rule", () => {
  const check = createChecker(createSyncRequestSchema(defaultLimits));
  test.each<[unknown, string, string]>([
    [null, "", "the message must be an object"],
    [[], "", "the message must be an object"],
    ["{}", "", "the message must be an object"],
    [{ client_id: 1 }, "/client_id", "client_id must be a string"],
    [{ client_id: "" }, "/client_id", "client_id must not be empty"],
    [{ client_id: "c".repeat(129) }, "/client_id", "client_id must have at most 128 characters"],
    [{ cursor: 1 }, "/cursor", "cursor must be a string or null"],
    [{ ack: {} }, "/ack", "ack must be a string or null"],
    [{ ack: "a".repeat(8_193) }, "/ack", "ack must have at most 8192 characters"],
    [{ collections: null }, "/collections", "collections must be an array"],
    [{ collections: [] }, "/collections", "collections must not be empty"],
    [
      { collections: ["readings", "Readings"] },
      "/collections/1",
      "collections/1 must be a collection's name (a letter a-z, then up to 62 of a-z, 0-9, _ and -)",
    ],
    [{ limit: 0 }, "/limit", "limit must be at least 1"],
    [{ limit: 1.5 }, "/limit", "limit must be an integer"],
    [{ limit: "10" }, "/limit", "limit must be an integer"],
    [{ changes: {} }, "/changes", "changes must be an array"],
    [{ pull: 0 }, "/pull", "pull must be true or false"],
    [{ tombstones: null }, "/tombstones", "tombstones must be true or false"],
    [{ status: [] }, "/status", "status must be an object"],
    [{ status: { pending: -1 } }, "/status/pending", "status/pending must be at least 0"],
    [
      { status: { oldest_pending_at: "2026-02-30T00:00:00Z" } },
      "/status/oldest_pending_at",
      "status/oldest_pending_at must be an instant YYYY-MM-DDTHH:MM:SS[.f]Z with at most 6 fractional digits, or null",
    ],
  ])("%j", (request, path, message) => {
    expect(check(request)).toEqual({ kind: "bad", errors: [{ path, message }] });
  });

  test("all that is wrong is told at once", () => {
    const paths = errorsOf(check({ cursor: 1, limit: "1", pull: 1, status: { pending: "" } }));
    expect(paths.map(({ path }) => path)).toEqual([
      "/cursor",
      "/limit",
      "/pull",
      "/status/pending",
    ]);
  });

  test("a thousand faults are not told at their own length", () => {
    const collections = Array.from({ length: 64 }, () => "X");
    expect(errorsOf(check({ collections })).length).toBeLessThanOrEqual(8);
  });

  test("nothing is required, and a change is not looked at", () => {
    for (const request of [{}, { changes: [null, 1, { key: 1 }] }, { cursor: null, ack: null }]) {
      expect(check(request)).toEqual({ kind: "ok", message: request });
    }
  });

  test("members of a later version are let through, and nothing is changed", () => {
    const request = Object.freeze({ limit: 10, later: true });
    expect(check(request)).toEqual({ kind: "ok", message: request });
  });
});

describe("the documented request", () => {
  const check = createChecker(createSyncRequestDocumentSchema(defaultLimits));
  const change = { collection: "readings", key: "1", updated_at: "2026-11-24T10:00:00Z" };

  test.each<[string, object]>([
    ["neither a value nor a delete", {}],
    ["both", { value: {}, deleted: true }],
    ["a value that is no object", { value: [] }],
    ["a stamp of /v1", { value: {}, updated_at: "2026-11-24 10:00" }],
    ["a day that the calendar lacks", { value: {}, updated_at: "2026-02-29T10:00:00Z" }],
    ["a key that no store keeps", { value: {}, key: "\u0000" }],
    ["a negative base", { value: {}, base: -1 }],
  ])("shows that a change can't have %s", (_, members) => {
    const message = "changes/0 fits none of the forms that are allowed";
    expect(check({ changes: [{ ...change, ...members }] })).toEqual({
      kind: "bad",
      errors: [{ path: "/changes/0", message }],
    });
  });

  test("shows what a change may be", () => {
    const changes = [
      { ...change, value: {} },
      { ...change, value: { a: 1 }, deleted: false, base: null, author: null },
      { ...change, deleted: true, base: 0, author: "Ann" },
    ];
    expect(errorsOf(check({ changes }))).toEqual([]);
    const single = createChecker(createChangeSchema(defaultLimits));
    for (const item of changes) expect(errorsOf(single(item))).toEqual([]);
  });

  test("shows how many changes there may be", () => {
    const changes = Array.from({ length: 5_001 }, () => ({ ...change, value: {} }));
    expect(errorsOf(check({ changes }))[0]?.path).toBe("/changes");
  });
});

describe("a v1 request", () => {
  const check = createChecker(createV1SyncRequestSchema(defaultLimits));
  const record = {
    gtin: "test_4",
    updated_at: "2021-11-12T01:11:00",
    expiration_date: "2022-05-01",
  };

  test.each<[object, string]>([
    [{}, ""],
    [{ last_sync_date: "yesterday" }, "/last_sync_date"],
    [{ last_sync_date: "2021-02-30" }, "/last_sync_date"],
    [{ cursor: "", newly_created_records: {} }, "/newly_created_records"],
    [
      { cursor: "", newly_created_records: [{ ...record, gtin: "" }] },
      "/newly_created_records/0/gtin",
    ],
    [
      { cursor: "", newly_created_records: [record, { ...record, expiration_date: "" }] },
      "/newly_created_records/1/expiration_date",
    ],
  ])("%j", (request, path) => {
    expect(errorsOf(check(request)).map((error) => error.path)).toEqual([path]);
  });

  test("every missing field is named", () => {
    expect(errorsOf(check({ cursor: "", newly_created_records: [{}] }))).toEqual([
      {
        path: "/newly_created_records/0/gtin",
        message: "newly_created_records/0/gtin is required",
      },
      {
        path: "/newly_created_records/0/updated_at",
        message: "newly_created_records/0/updated_at is required",
      },
      {
        path: "/newly_created_records/0/expiration_date",
        message: "newly_created_records/0/expiration_date is required",
      },
    ]);
  });

  test("the origin's own call", () => {
    const request = { last_sync_date: "2021-10-10T10:40:10", newly_created_records: [record] };
    expect(errorsOf(check(request))).toEqual([]);
  });
});

describe("every rule has words", () => {
  test.each<[ReturnType<typeof Type.Object>, object, string]>([
    [Type.Object({ a: Type.Literal(1) }), { a: 2 }, "a must be 1"],
    [Type.Object({ a: Type.Enum(["x", "y"]) }), { a: "z" }, "a must be one of x, y"],
    [
      Type.Object({ a: Type.String({ minLength: 2 }) }),
      { a: "z" },
      "a must have at least 2 characters",
    ],
    [
      Type.Object({ a: Type.String({ maxLength: 1 }) }),
      { a: "zz" },
      "a must have at most 1 character",
    ],
    [Type.Object({ a: Type.String({ pattern: "^x" }) }), { a: "z" }, "a must be of the form ^x"],
    [
      Type.Object({ a: Type.Array(Type.Null(), { minItems: 2 }) }),
      { a: [] },
      "a must have at least 2 items",
    ],
    [
      Type.Object({}, { not: { required: ["b"] } }),
      { b: 1 },
      "the message is of a form that is not allowed",
    ],
    [Type.Object({ "a/~": Type.Null() }), { "a/~": 1 }, "a/~ must be null"],
    [Type.Object({ a: Type.Number({ multipleOf: 2 }) }), { a: 1 }, "a breaks the schema"],
  ])("%j", (schema, value, message) => {
    expect(errorsOf(createChecker(schema)(value)).map((error) => error.message)).toEqual([message]);
  });

  test("a name with a slash stands in the path as RFC 6901 has it", () => {
    const schema = Type.Object({ "a/~": Type.Null() });
    expect(errorsOf(createChecker(schema)({}))[0]?.path).toBe("/a~1~0");
    expect(errorsOf(createChecker(schema)({ "a/~": 1 }))[0]?.path).toBe("/a~1~0");
  });
});
