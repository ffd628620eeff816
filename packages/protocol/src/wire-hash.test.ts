import { createHash } from "node:crypto";
import { isJsonObject, type JsonValue } from "@synchro/core";
import { assert, describe, expect, test } from "vitest";
import { type ProblemEntry, problems, rejections } from "./error-code.ts";
import { PROTOCOL_VERSION, WIRE_HASH } from "./protocol-version.ts";
import { createWireSchemas } from "./wire-schemas.ts";

/** Words may change at will; they are no part of the wire. */
const annotations = new Set(["title", "description", "examples"]);

/** Keywords whose members are names of the wire, each with a schema. */
const maps = new Set(["properties", "patternProperties"]);

const sorted = (members: readonly (readonly [string, JsonValue])[]): JsonValue =>
  Object.fromEntries(members.toSorted(([a], [b]) => (a < b ? -1 : 1)));

/** A schema as data: without words, members sorted. */
const bare = (schema: JsonValue): JsonValue => {
  if (Array.isArray(schema)) return schema.map(bare);
  if (!isJsonObject(schema)) return schema;
  return sorted(
    Object.entries(schema)
      .filter(([keyword]) => !annotations.has(keyword))
      .map(([keyword, value]) => {
        if (!maps.has(keyword) || !isJsonObject(value)) return [keyword, bare(value)];
        const members = Object.entries(value).map(([name, item]) => [name, bare(item)] as const);
        return [keyword, sorted(members)];
      }),
  );
};

const asData = (schemas: unknown): JsonValue => JSON.parse(JSON.stringify(schemas)) as JsonValue;

const hashOf = (schemas: JsonValue): string => {
  const named = isJsonObject(schemas) ? Object.entries(schemas) : [];
  const wire = {
    schemas: sorted(named.map(([name, schema]) => [name, bare(schema)])),
    problems: sorted(
      Object.entries<ProblemEntry>(problems).map(([code, { status }]) => [code, status]),
    ),
    rejections: sorted(Object.entries(rejections).map(([code, { isFinal }]) => [code, isFinal])),
  };
  return createHash("sha256").update(JSON.stringify(wire)).digest("hex");
};

const whatToDo = (hash: string): string =>
  `the wire has changed, and its hash with it: ${hash}

1. Is a client or a server that speaks version ${PROTOCOL_VERSION} as it was harmed? (A member or a code was
   removed or renamed, changed its type or its meaning, or is newly required in a request.) Then raise
   PROTOCOL_VERSION. If all that changed is an addition that it may ignore, leave it.
2. Set WIRE_HASH in packages/protocol/src/protocol-version.ts to the new hash.
3. Say in CHANGELOG.md what changed on the wire, and bring docs/protocol/ up to date.
`;

test("the wire is the one that this version says", () => {
  const hash = hashOf(asData(createWireSchemas()));
  assert(hash === WIRE_HASH, whatToDo(hash));
});

describe("the hash", () => {
  const schema = {
    type: "object",
    description: "words",
    required: ["title"],
    properties: { title: { type: "string", description: "words" }, b: { type: "integer" } },
  };
  const before = hashOf({ M: schema });

  test("is the same for other words and another order", () => {
    const { b, title } = schema.properties;
    const other = {
      properties: { b, title: { ...title, description: "other words", examples: ["x"] } },
      title: "M",
      required: ["title"],
      type: "object",
    };
    expect(hashOf({ M: other })).toBe(before);
  });

  test.each<[string, JsonValue]>([
    ["a type", { ...schema, type: "array" }],
    ["a member named like a keyword", { ...schema, properties: { b: schema.properties.b } }],
    ["what is required", { ...schema, required: [] }],
  ])("is another for %s", (_, other) => {
    expect(hashOf({ M: other })).not.toBe(before);
  });
});
