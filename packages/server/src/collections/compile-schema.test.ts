import { describe, expect, test } from "vitest";
import { compileSchema } from "./compile-schema.ts";

const faultsOf = (schema: { readonly [keyword: string]: unknown }, value: object) => {
  const compiled = compileSchema(schema);
  if (compiled.kind === "refused") throw new Error(compiled.reason);
  return compiled.validate(value as never);
};

describe("a schema is refused, in one line that tells why", () => {
  test.each<[string, { readonly [keyword: string]: unknown }, RegExp]>([
    ["a keyword that does not exist", { type: "object", propertys: {} }, /propertys/],
    [
      "a format that nothing checks",
      { type: "object", properties: { a: { type: "string", format: "email" } } },
      /email/,
    ],
    ["a keyword value that the draft forbids", { type: "objekt" }, /type/],
    ["another draft", { $schema: "http://json-schema.org/draft-07/schema#" }, /2020-12/],
    ["a reference to elsewhere", { $ref: "https://example.com/a.json" }, /example\.com/],
    ["a reference to nothing", { $ref: "#/$defs/a" }, /\$defs/],
    ["an asynchronous schema", { $async: true, type: "object" }, /\$async/],
    [
      "a pattern that is no pattern",
      { type: "object", properties: { a: { type: "string", pattern: "(" } } },
      /regular|expression|pattern/i,
    ],
    ["a keyword that can't apply to the type", { type: "object", minLength: 1 }, /minLength/],
  ])("%s", (_, schema, reason) => {
    const compiled = compileSchema(schema);
    expect(compiled).toEqual({ kind: "refused", reason: expect.stringMatching(reason) });
    expect(compiled.kind === "refused" && compiled.reason).not.toContain("\n");
  });
});

describe("a value that does not fit is told by path, field and rule", () => {
  const schema = {
    type: "object",
    required: ["date"],
    properties: {
      date: { type: "string", format: "instant" },
      day: { type: "string", format: "date" },
      at: { type: "string", format: "date-time" },
      "a/b~c": { type: ["integer", "null"], minimum: 0 },
      lines: { type: "array", items: { type: "object", required: ["gtin"] }, maxItems: 2 },
      kind: { enum: ["a", "b"] },
      one: { const: 1 },
      either: { anyOf: [{ type: "string" }, { type: "integer" }] },
      not: { not: { type: "string" } },
      never: false,
    },
    propertyNames: { type: "string", maxLength: 8 },
    dependentRequired: { one: ["kind"] },
  };
  const date = "2026-11-24";
  test.each<[object, string, string]>([
    [{}, "/date", "date is required"],
    [{ date: 1 }, "/date", "date must be a string"],
    [{ date: "soon" }, "/date", "date must be a date or a date-time (ISO 8601)"],
    [{ date: "2026-02-30" }, "/date", "date must be a date or a date-time (ISO 8601)"],
    [{ date, day: "2026-11-24T00:00:00Z" }, "/day", "day must be a date YYYY-MM-DD"],
    [{ date, day: "2026-13-01" }, "/day", "day must be a date YYYY-MM-DD"],
    [
      { date, at: "2026-11-24T10:00:00" },
      "/at",
      "at must be a date-time YYYY-MM-DDTHH:MM:SS[.f] with a zone (Z or +HH:MM)",
    ],
    [{ date, "a/b~c": "1" }, "/a~1b~0c", "a/b~c must be an integer or null"],
    [{ date, "a/b~c": -1 }, "/a~1b~0c", "a/b~c must be >= 0"],
    [{ date, lines: [{ gtin: 1 }, {}] }, "/lines/1/gtin", "lines/1/gtin is required"],
    [{ date, lines: [{}, {}, {}] }, "/lines", "lines must NOT have more than 2 items"],
    [{ date, kind: "c" }, "/kind", 'kind must be one of ["a","b"]'],
    [{ date, one: 2, kind: "a" }, "/one", "one must be 1"],
    [{ date, one: 1 }, "/kind", "kind is required where one stands"],
    [{ date, either: null }, "/either", "either fits none of the forms that the schema allows"],
    [{ date, not: "" }, "/not", "not is of a form that the schema rules out"],
    [{ date, never: 1 }, "/never", "never must not stand here"],
    [
      { date, muchTooLong: 1 },
      "/muchTooLong",
      "muchTooLong is not a name that the schema allows (it must NOT have more than 8 characters)",
    ],
  ])("%j", (value, path, message) => {
    expect(faultsOf(schema, value)).toEqual([{ path, message }]);
  });

  test("a member that the schema does not know", () => {
    const closed = { type: "object", properties: { a: true }, additionalProperties: false };
    expect(faultsOf(closed, { b: 1 })).toEqual([
      { path: "/b", message: "b is not a member that the schema knows" },
    ]);
  });

  test("a failed branch of if says what failed in it", () => {
    const branched: { readonly [keyword: string]: unknown } = JSON.parse(
      '{"type":"object","if":{"required":["a"]},"then":{"required":["b"]}}',
    );
    expect(faultsOf(branched, { a: 1 })).toEqual([{ path: "/b", message: "b is required" }]);
  });

  test("of a thousand faults one is told: looking for all is the client's choice of cost", () => {
    const lines = Array.from({ length: 1_000 }, () => 1);
    const deep = {
      type: "object",
      properties: { lines: { type: "array", items: { type: "string" } } },
    };
    expect(faultsOf(deep, { lines })).toHaveLength(1);
  });
});

describe("a value that fits", () => {
  test.each([
    ["date", "2026-11-24"],
    ["date-time", "2026-11-24T10:00:00Z"],
    ["date-time", "2026-11-24T10:00:00.123456789+02:00"],
    ["instant", "2026-11-24"],
    ["instant", "2021-10-10 10:40:10"],
    ["instant", "2026-11-24T10:00+02"],
  ])("%s %s", (format, text) => {
    expect(
      faultsOf({ properties: { a: { type: "string", format } }, type: "object" }, { a: text }),
    ).toEqual([]);
  });

  test("is neither coerced nor filled in", () => {
    const schema = {
      type: "object",
      properties: { a: { type: "integer", default: 7 }, b: { type: "integer" } },
    };
    const value = { b: 1 };
    expect(faultsOf(schema, value)).toEqual([]);
    expect(value).toEqual({ b: 1 });
    expect(faultsOf(schema, { b: "1" })).toHaveLength(1);
  });

  test("two schemas may have the same $id", () => {
    const schema = { $id: "https://example.com/same", type: "object" };
    expect(compileSchema(schema).kind).toBe("compiled");
    expect(compileSchema({ ...schema, required: ["a"] }).kind).toBe("compiled");
  });
});
