import { describe, expect, test } from "vitest";
import { StartError } from "../config/start-error.ts";
import { createCollectionRegistry } from "./collection-registry.ts";

const schema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "An article",
  type: "object",
  required: ["name"],
  properties: {
    name: { type: "string", minLength: 1 },
    shelf: { type: "string" },
    highest: { type: "integer", minimum: 0 },
    soonest: { type: "string", format: "date" },
    tags: { type: "array", items: { type: "string" }, uniqueItems: true, minItems: 1 },
    parts: { $ref: "#/$defs/parts" },
  },
  additionalProperties: { type: ["number", "string"] },
  $defs: { parts: { type: "array", items: { $ref: "#/$defs/parts" } } },
} as const;

const functions = { highest: "max", soonest: "min", tags: "union" } as const;

const declare = (articles: object) =>
  createCollectionRegistry({
    articles: { schema, merge: "fields", ...articles },
  });

const refusalOf = (articles: object): string => {
  try {
    declare(articles);
  } catch (error) {
    if (error instanceof StartError) return error.message;
    throw error;
  }
  return "none";
};

describe("[FIELDS-24] a schema that does not constrain each field alone stops the start, in one line", () => {
  test.each<[string, object]>([
    ["minProperties", { minProperties: 1 }],
    ["maxProperties", { maxProperties: 9 }],
    ["dependentRequired", { dependentRequired: { shelf: ["name"] } }],
    ["dependentSchemas", { dependentSchemas: { shelf: { required: ["name"] } } }],
    ["allOf", { allOf: [{ required: ["shelf"] }] }],
    ["anyOf", { anyOf: [{ required: ["shelf"] }] }],
    ["oneOf", { oneOf: [{ required: ["shelf"] }] }],
    ["not", { not: { required: ["shelf"] } }],
    ["if", { if: { required: ["shelf"] } }],
    ["unevaluatedProperties", { unevaluatedProperties: false }],
    ["const", { const: { name: "Milk" } }],
    ["enum", { enum: [{ name: "Milk" }] }],
    ["$ref", { $ref: "#/$defs/parts" }],
    ["$ref", { properties: { ...schema.properties, whole: { $ref: "#" } } }],
    ["$ref", { $id: "https://a.test/a", properties: { a: { $ref: "https://a.test/a" } } }],
  ])("%s", (keyword, more) => {
    const refusal = refusalOf({ schema: { ...schema, ...more } });
    expect(refusal).toMatch(/^collections\.articles\.schema\.[^\n]+$/);
    expect(refusal.startsWith(`collections.articles.schema.${keyword}: `)).toBe(true);
  });

  test("a schema that is none is told as ever", () => {
    expect(refusalOf({ schema: { ...schema, required: "name" } })).toMatch(
      /^collections\.articles\.schema: .*required/,
    );
  });
});

describe("[FIELDS-25] a function that its field can't have stops the start, in one line", () => {
  test.each<[object, string]>([
    [{ functions: { highest: "sum" } }, "functions.highest must be one of min, max, union"],
    [{ functions: { nothing: "max" } }, "functions.nothing: the schema has no property nothing"],
    [{ functions: { toString: "max" } }, "functions.toString: the schema has no property toString"],
    [
      { functions: { tags: "max" } },
      "functions.tags: max is for the types number, integer and string",
    ],
    [{ functions: { name: "union" } }, "functions.name: union is for the type array"],
    [{ merge: "last-write", functions }, 'functions: only with merge "fields"'],
    [{ merge: undefined, functions }, 'functions: only with merge "fields"'],
    ...["maxItems", "contains", "prefixItems"].map((keyword): [object, string] => [
      {
        functions: { tags: "union" },
        schema: {
          ...schema,
          properties: {
            tags: {
              type: "array",
              [keyword]: keyword === "maxItems" ? 3 : keyword === "contains" ? {} : [{}],
            },
          },
        },
      },
      `schema.properties.tags.${keyword}: a union of valid lists could break it`,
    ]),
  ])("%j", (articles, refusal) => {
    expect(refusalOf(articles)).toBe(`collections.articles.${refusal}`);
  });
});

test("[FIELDS-24] what constrains each field alone is taken, and a patch need not be whole", () => {
  const registry = declare({ functions });
  const articles = registry.get("articles");
  expect(articles?.merge).toEqual({ functions, required: ["name"] });
  expect(registry.storedCollections.get(articles!.name)).toEqual({
    merge: { functions, required: ["name"] },
    keepsHistory: false,
  });
  expect(articles?.validate({ shelf: "A" })).toEqual([]);
  expect(articles?.validate({ shelf: 1 })).toMatchObject([{ path: "/shelf" }]);
  expect(articles?.validate({ other: true })).toMatchObject([{ path: "/other" }]);
});
