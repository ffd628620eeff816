import { globSync, readdirSync, readFileSync } from "node:fs";
import { join, matchesGlob, posix } from "node:path";
import { parseSync, Visitor } from "vite";
import { describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "..");
const server = "packages/server/src";
const client = "packages/client/src";

/** The folders of `store/` that hold an engine; the files that compose alone may name one from outside. */
const engines = ["memory", "postgres", "sqlite"];

/** What the engines over SQLite have in common, records or not. */
const sharedSqlite = [
  "data-directory",
  "moved-mark",
  "prepare-database",
  "row-statement",
  "schema",
  "sqlite-failure",
  "store-open-error",
  "transaction",
].map((name) => `${server}/store/sqlite/${name}.ts`);

/**
 * A file under one of `files` (and not under `except`) may import what matches `only`, where that
 * is given, and nothing that matches `never`. Every rule that matches a file holds. Imports stand
 * as paths from the repository's root (`packages/core/src/stamp.ts`) or, where they are not
 * relative, as they are written (`@synchro/core`, `node:fs`, `typebox/value`).
 */
interface LayerRule {
  readonly files: readonly string[];
  readonly except?: readonly string[];
  readonly only?: readonly string[];
  readonly never?: readonly string[];
}

const tests = ["**/*.test.ts", "**/*.contract.ts", "packages/*/testing/**"];

/** Stands for a target that is put together at run time and so can't be judged here. */
const computed = "computed";

const rules: readonly LayerRule[] = [
  { files: ["packages/core/src/**"], except: tests, only: ["packages/core/src/**"] },
  {
    files: ["packages/protocol/src/**"],
    except: tests,
    only: ["packages/protocol/src/**", "@synchro/core", "typebox", "typebox/**"],
  },
  // A bundle for browsers never sees Node: what needs it has an entry point of its own.
  {
    files: [`${client}/**`],
    except: [...tests, `${client}/store/{indexeddb,node-sqlite}/**`],
    only: [`${client}/**`, "@synchro/core", "@synchro/protocol", "@synchro/protocol/*"],
  },
  {
    files: [`${client}/store/**`],
    except: [...tests, `${client}/store/{indexeddb,node-sqlite}/**`],
    only: [`${client}/store/**`, "@synchro/core"],
  },
  {
    files: [`${client}/store/indexeddb/**`],
    except: tests,
    only: [`${client}/store/*.ts`, `${client}/store/indexeddb/**`, "@synchro/core"],
  },
  {
    files: [`${client}/store/node-sqlite/**`],
    except: tests,
    only: [`${client}/store/*.ts`, `${client}/store/node-sqlite/**`, "@synchro/core", "node:*"],
  },
  ...["indexeddb", "node-sqlite"].map((engine) => ({
    files: ["**"],
    except: [
      ...tests,
      `${client}/${engine}.ts`,
      // It names what a browser has: the one engine that needs no choice.
      ...(engine === "indexeddb" ? [`${client}/client/client-platform.ts`] : []),
      `${client}/store/${engine}/**`,
      "packages/client/scripts/**",
    ],
    never: [`${client}/store/${engine}/**`, `${client}/${engine}.ts`],
  })),
  {
    files: [`${client}/outbox/**`],
    except: tests,
    only: [`${client}/{outbox,store}/*.ts`, "@synchro/core"],
  },
  {
    files: [`${client}/collection/**`],
    except: tests,
    only: [`${client}/{collection,store}/*.ts`, "@synchro/core", "@synchro/protocol/*"],
  },
  // Its tests start the real server.
  { files: ["packages/client/**"], never: ["packages/{core,protocol}/**", `${server}/**`] },
  { files: [`${client}/**`], except: tests, never: ["packages/server/**"] },
  {
    files: ["packages/{core,protocol,server}/**"],
    never: ["packages/client/**", "@synchro/client"],
  },
  // Packages meet at their names, never by a path into each other's folders.
  { files: ["packages/core/**"], never: ["packages/{protocol,server}/**", "@synchro/**"] },
  { files: ["packages/protocol/**"], never: ["packages/{core,server}/**", "@synchro/server"] },
  { files: ["packages/server/**"], never: ["packages/{core,protocol}/**"] },
  {
    files: [`${server}/store/**`],
    except: [...tests, `${server}/store/postgres/**`],
    only: [`${server}/store/**`, "@synchro/core", "@synchro/protocol", "node:*"],
  },
  // The one room that knows PostgreSQL's driver, and the engines over it.
  {
    files: [`${server}/postgres/**`],
    except: tests,
    only: [
      `${server}/postgres/**`,
      `${server}/store/store-{closed,unavailable}-error.ts`,
      "@synchro/core",
      "node:*",
      "node:*/*",
      "pg",
      "pg-copy-streams",
    ],
  },
  {
    files: [`${server}/store/postgres/**`],
    except: tests,
    only: [
      `${server}/store/*.ts`,
      `${server}/store/postgres/**`,
      `${server}/postgres/**`,
      "@synchro/core",
      "@synchro/protocol",
      "node:*",
    ],
  },
  {
    files: [`${server}/control/postgres/**`],
    except: tests,
    only: [
      `${server}/control/*.ts`,
      `${server}/control/postgres/**`,
      `${server}/postgres/**`,
      `${server}/access/grants.ts`,
      "@synchro/core",
    ],
  },
  {
    files: [`${server}/{api,http,service,live,access,collections}/**`],
    except: [...tests, `${server}/live/bus/postgres/**`],
    never: [`${server}/postgres/**`, "pg", "pg-copy-streams"],
  },
  {
    files: [`${server}/control/**`],
    except: [...tests, `${server}/control/{postgres,sqlite}/**`],
    only: [
      `${server}/control/*.ts`,
      `${server}/access/grants.ts`,
      `${server}/store/store.ts`,
      "@synchro/core",
    ],
  },
  {
    files: [`${server}/control/sqlite/**`],
    except: tests,
    only: [
      `${server}/control/*.ts`,
      `${server}/control/sqlite/**`,
      `${server}/access/grants.ts`,
      ...sharedSqlite,
      "@synchro/core",
      "node:*",
    ],
  },
  ...["postgres", "sqlite"].map((engine) => ({
    files: ["**"],
    except: [
      ...tests,
      `${server}/compose.ts`,
      `${server}/compose-{control,move,operations,postgres}.ts`,
      `${server}/control/${engine}/**`,
      "packages/server/scripts/**",
      "bench/**",
    ],
    never: [`${server}/control/${engine}/**`],
  })),
  ...engines.map((engine) => ({
    files: ["**"],
    except: [
      ...tests,
      `${server}/compose.ts`,
      `${server}/compose-{control,move,operations,postgres,spaces,transfer}.ts`,
      `${server}/store/${engine}/**`,
      // It shares a few pieces; its own rule says which.
      `${server}/control/${engine}/**`,
      "packages/server/scripts/**",
      "sim/**",
      "bench/**",
    ],
    never: [`${server}/store/${engine}/**`],
  })),
  {
    files: [`${server}/{service,live,access,control,operations,transfer}/**`],
    except: tests,
    never: [`${server}/{api,http,cli}/**`],
  },
  {
    files: [`${server}/{transfer,operations}/**`],
    except: tests,
    never: [`${server}/{api,http,cli}/**`, `${server}/compose*.ts`],
  },
  ...["postgres", "nats"].map((medium) => ({
    files: ["**"],
    except: [...tests, `${server}/compose-bus.ts`, `${server}/live/bus/${medium}/**`, "bench/**"],
    never: [`${server}/live/bus/${medium}/**`],
  })),
  { files: [`${server}/api/v1/**`], never: [`${server}/api/{v2,admin}/**`] },
  { files: [`${server}/api/v2/**`], never: [`${server}/api/{v1,admin}/**`] },
  { files: [`${server}/api/admin/**`], never: [`${server}/api/{v1,v2}/**`] },
  { files: ["packages/*/src/**"], except: tests, never: [computed] },
  { files: ["packages/**", "docs/**", "fixtures/**"], never: ["{sim,bench}/**", "@synchro/sim"] },
  { files: ["sim/**"], never: ["bench/**"] },
];

/** What a file names: static, type-only, re-exported, dynamic, and as the URL of a worker. */
function importsOf(path: string, source: string): string[] {
  const parsed = parseSync(path, source);
  if (parsed.errors.length > 0) throw new Error(`${path}: ${parsed.errors[0]?.message}`);
  const specifiers: string[] = [];
  const add = (node: { readonly type: string; readonly value?: unknown } | null | undefined) => {
    if (node == null) return;
    specifiers.push(typeof node.value === "string" ? node.value : computed);
  };
  new Visitor({
    ImportDeclaration: (node) => add(node.source),
    ExportNamedDeclaration: (node) => add(node.source),
    ExportAllDeclaration: (node) => add(node.source),
    ImportExpression: (node) => add(node.source),
    TSImportType: (node) => add(node.source),
    NewExpression: (node) => {
      const [target, base] = node.arguments;
      const relative = base?.type === "MemberExpression" && base.object.type === "MetaProperty";
      if (relative && target?.type === "Literal" && /\.m?[jt]s$/.test(String(target.value))) {
        add(target);
      }
    },
  }).visit(parsed.program);
  return specifiers.map((specifier) =>
    specifier.startsWith(".") ? posix.join(posix.dirname(path), specifier) : specifier,
  );
}

function matchesAny(path: string, globs: readonly string[]): boolean {
  return globs.some((glob) => matchesGlob(path, glob));
}

function violationsIn(path: string, source: string): string[] {
  const applying = rules.filter(
    (rule) => matchesAny(path, rule.files) && !matchesAny(path, rule.except ?? []),
  );
  if (applying.length === 0) return [];
  return importsOf(path, source).flatMap((target) =>
    applying.some(
      ({ only, never }) =>
        (only !== undefined && !matchesAny(target, only)) || matchesAny(target, never ?? []),
    )
      ? [`${path} imports ${target}`]
      : [],
  );
}

describe("the layer rules catch", () => {
  test.each([
    [`${client}/sync/a.ts`, `import { x } from "node:fs";`],
    [`${client}/sync/a.ts`, `import { x } from "../store/node-sqlite/x.ts";`],
    [`${client}/index.ts`, `export { x } from "./indexeddb.ts";`],
    [`${client}/sync/a.ts`, `import { x } from "typebox";`],
    [`${client}/sync/a.ts`, `import { x } from "../../../core/src/stamp.ts";`],
    [`${client}/store/a.ts`, `import { x } from "../outbox/x.ts";`],
    [`${client}/store/indexeddb/a.ts`, `import { x } from "node:fs";`],
    [`${client}/outbox/a.ts`, `import { x } from "../sync/x.ts";`],
    [`${client}/collection/a.ts`, `import { x } from "@synchro/protocol";`],
    [`${server}/a.ts`, `import { x } from "@synchro/client";`],
    ["packages/core/src/a.ts", `import { x } from "node:crypto";`],
    ["packages/core/src/a.ts", `import type { x } from "@synchro/protocol";`],
    ["packages/core/src/a.ts", `import { x } from "../../protocol/src/x.ts";`],
    ["packages/core/src/push/a.ts", `export { x } from "../../scripts/x.ts";`],
    ["packages/core/src/a.test.ts", `import { x } from "@synchro/protocol";`],
    ["packages/protocol/src/a.ts", `export * from "node:fs";`],
    ["packages/protocol/src/a.ts", `import { x } from "@synchro/server";`],
    ["packages/protocol/src/a.ts", `import { x } from "../../core/src/stamp.ts";`],
    ["packages/protocol/src/a.test.ts", `import { x } from "../../core/src/stamp.ts";`],
    [`${server}/a.ts`, `import { x } from "../../core/src/stamp.ts";`],
    [`${server}/store/store.ts`, `import { x } from "fastify";`],
    [`${server}/store/store.ts`, `import { x } from "./sqlite/x.ts";`],
    [`${server}/store/store.ts`, `import type { x } from "../service/push.ts";`],
    [`${server}/store/sqlite/a.ts`, `import { x } from "../memory/x.ts";`],
    [`${server}/store/memory/a.ts`, `import { x } from "../sqlite/x.ts";`],
    [`${server}/store/sqlite/a.ts`, `import { x } from "../../live/hub.ts";`],
    [`${server}/store/sqlite/a.ts`, `import { x } from "pg";`],
    [`${server}/store/postgres/a.ts`, `import { x } from "../sqlite/x.ts";`],
    [`${server}/control/postgres/a.ts`, `import { x } from "../../store/postgres/x.ts";`],
    [`${server}/postgres/a.ts`, `import { x } from "../store/store.ts";`],
    [`${server}/service/push.ts`, `import { x } from "../postgres/x.ts";`],
    [`${server}/service/push.ts`, `const x = await import("../store/sqlite/x.ts");`],
    [`${server}/service/push.ts`, `import { x } from "../http/x.ts";`],
    [`${server}/service/push.ts`, `let x: import("../api/v2/x.ts").X;`],
    [`${server}/live/hub.ts`, `import { x } from "../cli/serve.ts";`],
    [`${server}/live/hub.ts`, `new Worker(new URL("../store/sqlite/x.ts", import.meta.url));`],
    [`${server}/api/v1/a.ts`, `import { x } from "../v2/x.ts";`],
    [`${server}/api/v2/a.ts`, `import { x } from "../v1/x.ts";`],
    [`${server}/api/v2/a.ts`, `import { x } from "../../store/memory/x.ts";`],
    [`${server}/live/bus/nats/a.ts`, `import { x } from "../postgres/x.ts";`],
    [`${server}/service/a.ts`, `import { x } from "../live/bus/nats/x.ts";`],
    [`${server}/cli/serve.ts`, `import { x } from "../store/sqlite/x.ts";`],
    [`${server}/cli/invite.ts`, `import { x } from "../control/sqlite/x.ts";`],
    [`${server}/api/admin/a.ts`, `import { x } from "../v2/x.ts";`],
    [`${server}/api/admin/a.ts`, `import { x } from "../../control/sqlite/x.ts";`],
    [`${server}/api/v2/a.ts`, `import { x } from "../admin/x.ts";`],
    [`${server}/control/a.ts`, `import { x } from "./sqlite/x.ts";`],
    [`${server}/control/a.ts`, `import { x } from "node:fs";`],
    [`${server}/control/sqlite/a.ts`, `import { x } from "../../store/sqlite/writer-core.ts";`],
    [`${server}/control/sqlite/a.ts`, `import { x } from "../../store/memory/x.ts";`],
    [`${server}/store/sqlite/a.ts`, `import { x } from "../../control/sqlite/x.ts";`],
    [`${server}/transfer/a.ts`, `import { x } from "../cli/command.ts";`],
    [`${server}/operations/a.ts`, `import { x } from "../compose-operations.ts";`],
    [`${server}/operations/a.ts`, `import { x } from "../store/sqlite/x.ts";`],
    [`${server}/transfer/a.ts`, `import { x } from "../compose-transfer.ts";`],
    [`${server}/a.ts`, "await import(`./${name}.ts`)"],
    [`${server}/a.test.ts`, `import { x } from "../../../sim/x.ts";`],
    [`${server}/a.ts`, `import { x } from "@synchro/sim";`],
    ["sim/a.ts", `import { x } from "../bench/x.ts";`],
  ])("%s: %s", (path, source) => {
    expect(violationsIn(path, source)).toHaveLength(1);
  });
});

describe("the layer rules allow", () => {
  test.each([
    [`${client}/indexeddb.ts`, `export { x } from "./store/indexeddb/x.ts";`],
    [`${client}/store/node-sqlite/a.ts`, `import { x } from "node:sqlite";`],
    [`${client}/sync/a.ts`, `import { x } from "../store/memory/x.ts";`],
    [`${client}/collection/a.ts`, `import { x } from "@synchro/protocol/limits";`],
    [`${client}/a.test.ts`, `import { x } from "../store/node-sqlite/x.ts";`],
    ["packages/core/src/push/a.ts", `import type { x } from "../stamp.ts"; // from "node:fs"`],
    ["packages/core/src/a.test.ts", `import { x } from "vitest";`],
    ["packages/protocol/src/a.ts", `import { x } from "typebox/value";`],
    ["packages/protocol/scripts/a.ts", `import { x } from "node:fs";`],
    [`${server}/store/sqlite/a.ts`, `import { x } from "../store.ts"; import y from "node:fs";`],
    [`${server}/store/sqlite/a.ts`, `new Worker(new URL("./writer-thread.ts", import.meta.url));`],
    [`${server}/store/sqlite/a.test.ts`, `import { x } from "../store.contract.ts";`],
    [`${server}/service/push.ts`, `import type { x } from "../store/store.ts";`],
    [`${server}/compose.ts`, `import { x } from "./store/sqlite/x.ts";`],
    [`${server}/compose.ts`, `import { x } from "./control/sqlite/x.ts";`],
    [`${server}/compose-spaces.ts`, `import { x } from "./store/sqlite/x.ts";`],
    [`${server}/control/sqlite/a.ts`, `import { x } from "../../store/sqlite/transaction.ts";`],
    [`${server}/control/postgres/a.ts`, `import { x } from "../../postgres/x.ts";`],
    [`${server}/store/postgres/a.ts`, `import { x } from "../../postgres/x.ts";`],
    [`${server}/postgres/a.ts`, `import { x } from "pg";`],
    [`${server}/api/admin/a.ts`, `import type { x } from "../../control/control-store.ts";`],
    [`${server}/compose-transfer.ts`, `import { x } from "./store/sqlite/x.ts";`],
    [`${server}/compose-operations.ts`, `import { x } from "./store/sqlite/x.ts";`],
    [`${server}/transfer/a.ts`, `import { x } from "../service/read-change.ts";`],
    [`${server}/api/v2/a.ts`, `import { x } from "../../service/push.ts";`],
    ["sim/a.ts", `import { x } from "../packages/server/src/store/memory/x.ts";`],
    ["bench/a.ts", `import { x } from "../sim/x.ts";`],
    [`${server}/a.test.ts`, "await import(file)"],
  ])("%s: %s", (path, source) => {
    expect(violationsIn(path, source)).toEqual([]);
  });
});

describe("the tree", () => {
  const sources = globSync("{packages,sim,bench,docs,fixtures}/**/*.ts", {
    cwd: root,
    exclude: ["**/node_modules/**", "**/dist/**"],
  }).map((path) => path.replaceAll("\\", "/"));

  test("keeps every layer rule", () => {
    expect(sources).toContain("packages/layers.test.ts");
    const violations = sources.flatMap((path) =>
      violationsIn(path, readFileSync(join(root, path), "utf8")),
    );
    expect(violations).toEqual([]);
  });

  test("of the protocol's main entry the client takes nothing but types: the rest drags TypeBox along", () => {
    const files = sources.filter(
      (path) => path.startsWith(`${client}/`) && !matchesAny(path, tests),
    );
    expect(files).toContain(`${client}/store/client-store.ts`);
    const violations = files.filter((path) => {
      let takesValues = false;
      new Visitor({
        ImportDeclaration: ({ source, importKind }) => {
          if (source.value === "@synchro/protocol" && importKind !== "type") takesValues = true;
        },
        ExportNamedDeclaration: ({ source, exportKind }) => {
          if (source?.value === "@synchro/protocol" && exportKind !== "type") takesValues = true;
        },
      }).visit(parseSync(path, readFileSync(join(root, path), "utf8")).program);
      return takesValues;
    });
    expect(violations).toEqual([]);
  });

  test("every folder of store/ is an engine that the rules know", () => {
    const folders = readdirSync(join(root, server, "store"), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
    expect(engines).toEqual(expect.arrayContaining(folders));
  });
});
