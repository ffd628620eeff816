import { expect, test } from "vitest";
import {
  type Manifest,
  publishedManifest,
  sourceEntries,
  typeEntries,
} from "./published-manifest.ts";

const manifest: Manifest = {
  name: "@synchro/client",
  version: "1.2.3",
  license: "Apache-2.0",
  scripts: { prepack: "node refuse" },
  devDependencies: { vitest: "5.1.1" },
  dependencies: { "@synchro/core": "1.2.3", idb: "8.0.4" },
  exports: {
    ".": { source: "./src/index.ts", types: "./dist/index.d.ts", default: "./dist/index.js" },
    "./sqlite": {
      source: "./src/sqlite.ts",
      types: "./dist/sqlite.d.ts",
      node: { source: "./s.ts", default: "./dist/n.js" },
    },
    "./package.json": "./package.json",
  },
};

test("a sibling at another version is refused: packages are released together", () => {
  const torn = { ...manifest, dependencies: { "@synchro/core": "^1.2.3" } };
  expect(() => publishedManifest(torn)).toThrow(
    "@synchro/client 1.2.3 depends on @synchro/core ^1.2.3",
  );
});

test("an export without a source is refused: it would not be compiled", () => {
  const exports = { ".": { default: "./dist/index.js" } };
  expect(() => sourceEntries({ ...manifest, exports })).toThrow('exports["."] has no source');
});

test("what only a checkout can follow is left out, at every depth", () => {
  expect(publishedManifest(manifest)).toEqual({
    name: "@synchro/client",
    version: "1.2.3",
    license: "Apache-2.0",
    dependencies: { "@synchro/core": "1.2.3", idb: "8.0.4" },
    exports: {
      ".": { types: "./dist/index.d.ts", default: "./dist/index.js" },
      "./sqlite": { types: "./dist/sqlite.d.ts", node: { default: "./dist/n.js" } },
      "./package.json": "./package.json",
    },
  });
});

test("the entries are the sources of what is exported; files that are shipped as they are have none", () => {
  expect(sourceEntries(manifest)).toEqual(["./src/index.ts", "./src/sqlite.ts"]);
});

test("its types are found under the names that they are imported by", () => {
  expect(typeEntries(manifest)).toEqual([
    ["@synchro/client", "./dist/index.d.ts"],
    ["@synchro/client/sqlite", "./dist/sqlite.d.ts"],
  ]);
});
