import { Format } from "typebox/format";
import type { TSchema } from "typebox";
import { describe, expect, test } from "vitest";
import { createChecker } from "../checker.ts";
import { defaultLimits } from "../limits.ts";
import { createWireSchemas } from "../wire-schemas.ts";

const isSchema = (value: unknown): value is TSchema & { readonly examples?: readonly unknown[] } =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Each schema within a schema that has examples, with its place. */
const withExamples = (place: string, schema: unknown): [string, TSchema, unknown][] => {
  if (Array.isArray(schema)) {
    return schema.flatMap((item, index) => withExamples(`${place}/${index}`, item));
  }
  if (!isSchema(schema)) return [];
  const own = (schema.examples ?? []).map((example): [string, TSchema, unknown] => [
    place,
    schema,
    example,
  ]);
  const inner = Object.entries(schema).flatMap(([keyword, value]) =>
    keyword === "examples" ? [] : withExamples(`${place}/${keyword}`, value),
  );
  return [...own, ...inner];
};

const schemas = createWireSchemas(defaultLimits);

describe("an example in the documentation fits its own schema", () => {
  test.each(withExamples("", schemas))("%s", (_, schema, example) => {
    expect(createChecker(schema)(example)).toEqual({ kind: "ok", message: example });
  });
});

test.each(Object.entries(schemas))("%s has a title for its page", (_, schema) => {
  expect(schema).toHaveProperty("title");
});

test("nothing here leans on a format that is registered by chance", () => {
  expect(Format.Has("instant")).toBe(false);
});
