import { type JsonObject, type RejectionCode, type WriteChange } from "@synchro/core";
import { defaultLimits } from "@synchro/protocol";
import { describe, expect, test } from "vitest";
import { createCollectionRegistry } from "../collections/collection-registry.ts";
import { systemRuntime } from "../system-runtime.ts";
import { readChange } from "./read-change.ts";

const registry = createCollectionRegistry({
  articles: {
    key: "id",
    merge: "fields",
    functions: { highest: "max", tags: "union" },
    schema: {
      type: "object",
      required: ["name"],
      properties: {
        id: { type: "string" },
        name: { type: "string" },
        shelf: { type: "string" },
        highest: { type: "number" },
        tags: { type: "array" },
      },
    },
  },
});

const good = {
  collection: "articles",
  key: "milk",
  updated_at: "2026-11-24T10:00:00Z",
  life: 1,
  value: { shelf: "A" },
};

const read = (change: object) =>
  readChange(
    {
      registry,
      limits: { ...defaultLimits, valueBytesMax: 100 },
      collections: null,
      subject: null,
      sha256: systemRuntime.sha256,
    },
    change,
    undefined,
  );

const written = (change: object): WriteChange => {
  const result = read(change);
  if (result.kind !== "write") throw new Error(JSON.stringify(result));
  return result;
};

const { value: _, ...deletion } = { ...good, life: 2, deleted: true };
const { life: __, ...lifeless } = good;

type Case = readonly [string, object, RejectionCode, string];

describe("a change that is no patch is refused", () => {
  test.each<Case>([
    ["[FIELDS-8] without a life", lifeless, "policy_mismatch", "/life"],
    ["[FIELDS-8] with a life of null", { ...good, life: null }, "policy_mismatch", "/life"],
    ["[FIELDS-1] with a life of 0", { ...good, life: 0 }, "bad_change", "/life"],
    ["[FIELDS-1] with a fraction of a life", { ...good, life: 1.5 }, "bad_change", "/life"],
    ["[FIELDS-1] with a life that is text", { ...good, life: "1" }, "bad_change", "/life"],
    ["[FIELDS-1] beyond the last life", { ...good, life: 1_000_000_001 }, "bad_change", "/life"],
    ["[FIELDS-7] with a value in an even life", { ...good, life: 2 }, "bad_change", "/life"],
    ["[FIELDS-7] a delete in an odd life", { ...deletion, life: 1 }, "bad_change", "/life"],
    [
      "[FIELDS-7] a delete with stamps of fields",
      { ...deletion, stamps: { shelf: good.updated_at } },
      "bad_change",
      "/stamps",
    ],
    ["[FIELDS-7] stamps that are a list", { ...good, stamps: [] }, "bad_change", "/stamps"],
    [
      "[FIELDS-7] a stamp that is none",
      { ...good, stamps: { "a/b": "noon" } },
      "bad_stamp",
      "/stamps/a~1b",
    ],
    ["[FIELDS-7] a stamp of null", { ...good, stamps: { a: null } }, "bad_stamp", "/stamps/a"],
    ["[DATA-8] with no value", { ...good, value: undefined }, "bad_value", "/value"],
    [
      "[FIELDS-18] that removes what is required",
      { ...good, value: { name: null } },
      "schema_mismatch",
      "/value/name",
    ],
    [
      "[FIELDS-18] that removes it by a stamp alone",
      { ...good, stamps: { name: good.updated_at } },
      "schema_mismatch",
      "/value/name",
    ],
    [
      "[FIELDS-18] that removes what has a function",
      { ...good, value: { tags: null } },
      "schema_mismatch",
      "/value/tags",
    ],
    [
      "[FIELDS-18] with a field that does not fit",
      { ...good, value: { shelf: 1 } },
      "schema_mismatch",
      "/value/shelf",
    ],
    [
      "[DATA-17] with a reserved name",
      { ...good, value: { _a: 1 } },
      "reserved_member",
      "/value/_a",
    ],
    [
      "[DATA-17] that removes a reserved name",
      { ...good, value: { _a: null } },
      "reserved_member",
      "/value/_a",
    ],
    [
      "[DATA-17] with a stamp of a reserved name",
      { ...good, stamps: { _a: good.updated_at } },
      "reserved_member",
      "/value/_a",
    ],
    ["[DATA-9] with another key", { ...good, value: { id: "oats" } }, "key_mismatch", "/value/id"],
    [
      "[DATA-10] too large",
      { ...good, value: { shelf: "x".repeat(90) } },
      "value_too_large",
      "/value",
    ],
  ])("%s", (___, change, code, path) => {
    const result = read(change);
    expect(result.kind === "refused" && [result.rejection.code, result.rejection.path]).toEqual([
      code,
      path,
    ]);
  });

  test.each(["life", "stamps"])("[FIELDS-8] with %s under another policy", (member) => {
    const change: JsonObject = {
      collection: "readings",
      key: "a",
      updated_at: good.updated_at,
      value: { expiration_date: "2026-12-01" },
      [member]: member === "life" ? 1 : {},
    };
    expect(read(change)).toMatchObject({
      kind: "refused",
      rejection: { code: "policy_mismatch", path: `/${member}` },
    });
  });
});

describe("a patch is read", () => {
  test("[FIELDS-5] [FIELDS-6] with a stamp for each field that it sets or removes", () => {
    const change = {
      ...good,
      value: { shelf: "A", note: null, size: null },
      stamps: { shelf: "2026-11-24T09:00:00.5Z", gone: "2026-11-20T00:00:00Z" },
    };
    expect(written(change)).toEqual({
      kind: "write",
      collection: "articles",
      key: "milk",
      stamp: "2026-11-24T10:00:00.000000Z",
      base: null,
      author: null,
      value: '{"shelf":"A","note":null,"size":null}',
      fieldState:
        '"life":1,"stamps":{"gone":"2026-11-20T00:00:00Z","note":"2026-11-24T10:00:00Z","shelf":"2026-11-24T09:00:00.500000Z","size":"2026-11-24T10:00:00Z"}',
    });
  });

  test("[FIELDS-9] with the greatest of its stamps as its own", () => {
    const later = "2026-11-24T11:00:00Z";
    expect(written({ ...good, stamps: { shelf: later } }).stamp).toBe(
      "2026-11-24T11:00:00.000000Z",
    );
    expect(written({ ...good, value: {}, stamps: null }).stamp).toBe("2026-11-24T10:00:00.000000Z");
  });

  test("[FIELDS-7] a delete has no fields", () => {
    for (const stamps of [undefined, null, {}]) {
      expect(written({ ...deletion, stamps })).toMatchObject({
        value: null,
        fieldState: '"life":2,"stamps":{}',
      });
    }
  });

  test("[FIELDS-5] it may remove the field that repeats the key", () => {
    expect(written({ ...good, value: { id: null } }).value).toBe('{"id":null}');
    expect(written({ ...good, value: { id: "milk" } }).value).toBe('{"id":"milk"}');
  });
});
