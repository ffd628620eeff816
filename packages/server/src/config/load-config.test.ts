import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultLimits } from "@synchro/protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadConfig } from "./load-config.ts";
import { StartError } from "./start-error.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "synchro-config-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

const put = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

/** The line that a file is refused with, after the file's name. */
const refusal = (name: string, text: string): string => {
  const path = put(name, text);
  try {
    loadConfig(path);
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    expect(error.message).not.toContain("\n");
    expect(error.message.startsWith(`${path}: `)).toBe(true);
    return error.message.slice(path.length + 2);
  }
  throw new Error("was not refused");
};

describe("a file is refused in one line that names it, the field and the rule", () => {
  test("there is none", () => {
    expect(() => loadConfig(join(folder, "none.json"))).toThrow(
      `${join(folder, "none.json")}: can't be read: there is no such file`,
    );
  });

  test.each([
    ["bad.json", `{"collections": `, /^is not valid JSON: /],
    ["bad.ts", `export default {`, /^can't be run: /],
    ["enum.ts", `enum A { B } export default {};`, /^can't be run: .*enum/],
    ["throw.mjs", `throw new Error("no luck\\nat all");`, /^can't be run: no luck$/],
    ["import.mjs", `import "./nothing.mjs"; export default {};`, /^can't be run: .*nothing\.mjs/],
    [
      "await.mjs",
      `await Promise.resolve(); export default {};`,
      /^must not await at its top level$/,
    ],
    ["list.json", `[]`, /^the configuration must be an object$/],
    ["none.mjs", `export const config = {};`, /^config is not a field: /],
  ])("%s", (name, text, line) => {
    expect(refusal(name, text)).toMatch(line);
  });

  const schema = { type: "object" };
  test.each([
    [{ colections: {} }, "colections is not a field: did you mean collections?"],
    [{ collections: [] }, "collections must be an object"],
    [
      { collections: { Items: { schema } } },
      "collections.Items: a name must match ^[a-z][a-z0-9_-]{0,62}$",
    ],
    [{ collections: { items: 1 } }, "collections.items must be an object"],
    [
      { collections: { items: {} } },
      "collections.items.schema is missing: a collection declares a JSON Schema of its values",
    ],
    [
      { collections: { reading: { history: true } } },
      "collections.reading.schema is missing: a collection declares a JSON Schema of its values (did you mean readings?)",
    ],
    [{ collections: { items: { schema: true } } }, "collections.items.schema must be an object"],
    [
      { collections: { items: { schema, keys: "id" } } },
      "collections.items.keys is not a field: did you mean key?",
    ],
    [
      { collections: { items: { schema, key: "_id" } } },
      "collections.items.key must be the name of a member of the value, without a leading _",
    ],
    [
      { collections: { items: { schema, key: 1 } } },
      "collections.items.key must be the name of a member of the value, without a leading _",
    ],
    [
      { collections: { items: { schema, merge: "toString" } } },
      "collections.items.merge must be one of last-write, fields",
    ],
    [
      { collections: { items: { schema, history: "yes" } } },
      "collections.items.history must be true or false",
    ],
    [
      { collections: { items: { schema: { type: "objekt" } } } },
      /^collections\.items\.schema: .*type/,
    ],
    [
      { collections: { readings: { schema } } },
      "collections.readings.schema: readings is built in, and only its history may be chosen",
    ],
    [
      { collections: { batches: { key: "id" } } },
      "collections.batches.key: batches is built in, and only its history may be chosen",
    ],
    [
      { limits: { bodyByteMax: 1 } },
      "limits.bodyByteMax is not a limit: did you mean bodyBytesMax?",
    ],
    [
      { limits: { streamAuthorizeMs: 5_001 } },
      "limits.streamAuthorizeMs must be a whole number from 1 to 5000",
    ],
    [
      { limits: { constructor: 1 } },
      /^limits\.constructor is not a limit: known are bodyBytesMax, /,
    ],
    [
      { limits: { changesMax: 0 } },
      "limits.changesMax must be a whole number from 1 to 2147483647",
    ],
    [
      { limits: { changesMax: 1.5 } },
      "limits.changesMax must be a whole number from 1 to 2147483647",
    ],
    [
      { limits: { bodyDepthMax: 100_000 } },
      "limits.bodyDepthMax must be a whole number from 1 to 1000",
    ],
    [
      { limits: { headersMs: 60_000 } },
      "limits.headersMs (60000) must be at most limits.requestMs (30000)",
    ],
    [
      { limits: { bodyBytesMax: 1_000 } },
      "limits.valueBytesMax (262144) must be at most limits.bodyBytesMax (1000)",
    ],
  ])("%j", (config, line) => {
    expect(refusal("config.json", JSON.stringify(config))).toMatch(
      typeof line === "string" ? new RegExp(`^${RegExp.escape(line)}$`) : line,
    );
  });
});

describe("a configuration", () => {
  test("may be absent", () => {
    const { registry, limits } = loadConfig(null);
    expect(registry.names).toEqual(["batches", "readings"]);
    expect(limits).toEqual(defaultLimits);
  });

  test.each([
    ["config.json", (object: string) => object],
    ["config.mjs", (object: string) => `export default ${object};`],
    ["config.cjs", (object: string) => `module.exports = ${object};`],
    ["config.ts", (object: string) => `type A = object; export default ${object} satisfies A;`],
  ])("%s", (name, text) => {
    const config = {
      collections: {
        readings: { history: true },
        movements: {
          schema: { type: "object", required: ["count"] },
          key: "id",
          merge: "last-write",
        },
      },
      limits: { changesMax: 100 },
    };
    const { registry, limits } = loadConfig(put(name, text(JSON.stringify(config))));
    expect(limits).toEqual({ ...defaultLimits, changesMax: 100 });
    expect(registry.names).toEqual(["batches", "movements", "readings"]);
    expect(registry.get("movements")).toMatchObject({
      name: "movements",
      keyField: "id",
      merge: "last-write",
      keepsHistory: false,
    });
    expect(registry.get("movements")?.validate({})).toEqual([
      { path: "/count", message: "count is required" },
    ]);
    expect(Object.fromEntries(registry.storedCollections)).toEqual({
      batches: { merge: "last-write", keepsHistory: false },
      movements: { merge: "last-write", keepsHistory: false },
      readings: { merge: "last-write", keepsHistory: true },
    });
  });
});
