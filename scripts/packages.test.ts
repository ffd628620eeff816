import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { publint } from "publint";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Manifest } from "./published-manifest.ts";

// The packages as their users get them: built, packed, installed from the tarballs into an empty
// project, and run there as plain JavaScript.

const root = join(import.meta.dirname, "..");

/** The packages that have something to publish. */
const names = readdirSync(join(root, "packages")).filter((name) =>
  existsSync(join(root, "packages", name, "src/index.ts")),
);

const manifestIn = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;

/** Where the packages are built: `dist` itself may be in use. */
let out: string;
/** The empty project. */
let project: string;

/** As somebody's shell has it: of npm and the test runner around this file nothing is passed on. */
const environment = (): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) =>
        !/^(?:NODE_(?:OPTIONS|ENV)|VITEST|SYNCHRO_|INIT_CWD|npm_(?!config_)|npm_config_local_)/.test(
          name,
        ),
    ),
  ),
  PATH: [dirname(process.execPath), process.env["PATH"]].join(delimiter),
});

type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

const run = async (program: string, ...args: readonly string[]): Promise<Ended> => {
  const { promise, resolve } = Promise.withResolvers<Ended>();
  const child = execFile(
    program,
    args,
    { cwd: project, env: environment() },
    (_error, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
  );
  return promise;
};

const runNode = (...args: readonly string[]): Promise<Ended> => run(process.execPath, ...args);

const expectGood = async (running: Promise<Ended>): Promise<string> => {
  const { code, stdout, stderr } = await running;
  expect({ code, stderr, output: code === 0 ? "" : stdout }).toEqual({
    code: 0,
    stderr: "",
    output: "",
  });
  return stdout;
};

const put = (file: string, text: string): void => writeFileSync(join(project, file), text);

/** The command that npm put into the project. npx would stand between it and a signal. */
const synchro = (): string => join(project, "node_modules/.bin/synchro");

type Server = { readonly child: ChildProcess; readonly url: string; readonly output: () => string };

/** The server of the project, on a free port, once it listens. */
const serve = async (...flags: readonly string[]): Promise<Server> => {
  const args = ["serve", "--port", "0", ...flags];
  const child = spawn(synchro(), args, { cwd: project, env: environment() });
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let printed = "";
  const onText = (text: string): void => {
    printed += text;
    const [, url] = /listens on (\S+)\n/.exec(printed) ?? [];
    if (url !== undefined) resolve(url);
  };
  child.stdout.setEncoding("utf8").on("data", onText);
  child.stderr.setEncoding("utf8").on("data", onText);
  child.on("close", (code) => reject(new Error(`ended with ${code}: ${printed}`)));
  const server = { child, url: await promise, output: () => printed };
  servers.push(server);
  return server;
};

const stop = async ({ child }: Server): Promise<number | null> => {
  if (child.exitCode !== null) return child.exitCode;
  const closed = once(child, "close");
  child.kill("SIGTERM");
  const [code] = (await closed) as [number | null];
  return code;
};

/** All that were started: a test that fails leaves its own. */
const servers: Server[] = [];

beforeAll(async () => {
  mkdirSync(join(root, "dist"), { recursive: true });
  out = mkdtempSync(join(root, "dist/packages-test-"));
  project = mkdtempSync(join(tmpdir(), "synchro-project-"));
  put("package.json", '{"private":true,"type":"module"}');
  await expectGood(runNode(join(root, "scripts/build-packages.ts"), "--pack", "--out", out));
  const tarballs = globSync("*.tgz", { cwd: out }).map((file) => join(out, file));
  const quiet = ["--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"];
  await expectGood(
    run("npm", "install", "--ignore-scripts", "--prefer-offline", ...quiet, ...tarballs),
  );
}, 240_000);

afterAll(async () => {
  for (const server of servers) await stop(server);
  rmSync(out, { recursive: true, force: true });
  rmSync(project, { recursive: true, force: true });
});

test("a checkout is as it was: nothing is built into it, so it goes on running from source", () => {
  expect(globSync("packages/*/dist", { cwd: root })).toEqual([]);
});

test("the folder of a package's source is not packed by mistake", async () => {
  const { code, stderr } = await run("npm", "pack", "--dry-run", join(root, "packages/core"));
  expect(code).toBe(1);
  expect(stderr).toContain("npm run build -- --pack");
});

/** What may be imported of these packages. */
const specifiersOf = (...packages: readonly string[]): readonly string[] =>
  packages.flatMap((name) => {
    const { exports } = manifestIn(join(project, "node_modules/@synchro", name));
    return Object.keys(exports).map((subpath) => `@synchro/${name}${subpath.slice(1)}`);
  });

describe.each(names)("%s", (name) => {
  const installed = (): string => join(project, "node_modules/@synchro", name);

  test("holds the program, its types, its manual and its licence, and nothing else", () => {
    const files = globSync("**/*", { cwd: installed(), withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(installed().length + 1));
    expect(files).toEqual(
      expect.arrayContaining(["LICENSE", "README.md", "package.json", "dist/index.d.ts"]),
    );
    const others = files.filter(
      (file) => !/^(?:LICENSE|README\.md|package\.json|bin\/synchro\.mjs)$/.test(file),
    );
    for (const file of others) {
      expect(file).toMatch(
        /^dist\/(?:[a-z0-9-]+\/)*[a-z0-9-]+\.(?:js|d\.ts|css|html|json|sql|svg|wasm)$/,
      );
      expect(file).not.toMatch(/\b(?:test|contract|fixture|testing)\b/);
    }
  });

  test("has a complete manifest, which sends nobody to the sources", () => {
    const manifest = manifestIn(installed());
    expect(manifest).toMatchObject({
      name: `@synchro/${name}`,
      version: manifestIn(root).version,
      description: expect.stringMatching(/./),
      license: "Apache-2.0",
      publishConfig: { access: "public" },
      // The server asks Node which upgrades it takes, which it can since then.
      engines: { node: name === "server" ? ">=24.9" : ">=24" },
    });
    expect(JSON.stringify(manifest)).not.toMatch(/"source"|\/src\/|workspace:|file:/);
    for (const version of Object.values(manifest.dependencies ?? {})) {
      expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    }
  });

  test("publint has nothing to say", async () => {
    const { version } = manifestIn(installed());
    const packed = readFileSync(join(out, `synchro-${name}-${version}.tgz`));
    const tarball = new Uint8Array(packed).buffer;
    const { messages } = await publint({ pack: { tarball }, strict: true });
    expect(messages).toEqual([]);
  });

  test.each([[[]], [["--conditions=source"]]])(
    "is imported as plain JavaScript %j",
    async (flags) => {
      const script = specifiersOf(name).map((from) => `await import("${from}");`);
      await expectGood(runNode(...flags, "--input-type=module", "--eval", script.join("")));
    },
  );
});

describe("the examples in the manuals", () => {
  /** Where a server listens if nobody says otherwise. */
  const usual = "http://127.0.0.1:7100";

  const examples = names.flatMap((name) => {
    const readme = readFileSync(join(root, "packages", name, "README.md"), "utf8");
    return Array.from(readme.matchAll(/^```js\n(.*?)^```$/gms), ([, code = ""]) => ({
      name,
      code,
    }));
  });

  test("there is one for each package", () => {
    expect(new Set(examples.map(({ name }) => name))).toEqual(new Set(names));
  });

  test.each(examples)("$name: prints what its comments say", async ({ name, code }) => {
    const told = Array.from(
      code.matchAll(/^ *console\.log\(.*\); \/\/ (.*)$/gm),
      ([, text]) => text,
    );
    expect(told.length).toBeGreaterThan(0);
    const server = code.includes(usual) ? await serve("--data", `data-of-${name}`) : null;
    put("example.js", code.replaceAll(usual, server?.url ?? usual));
    const printed = await expectGood(runNode("example.js"));
    if (server !== null) expect(await stop(server)).toBe(0);
    expect(printed.trimEnd().split("\n")).toEqual(told);
  });
});

describe("the command", () => {
  test("npx finds it, and it knows its version", async () => {
    const { version } = manifestIn(root);
    expect(await expectGood(run("npx", "--no-install", "synchro", "--version"))).toBe(
      `${version}\n`,
    );
  });

  test("reads a configuration in TypeScript, serves what was pushed, and stops at SIGTERM with 0", async () => {
    put(
      "synchro.config.ts",
      `import { defineConfig } from "@synchro/server";
       export default defineConfig({ collections: { shelves: { schema: { type: "object" } } } });`,
    );
    const { url, child, output } = await serve("--config", "synchro.config.ts");
    expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ status: "ok" });
    const stamp = "2026-11-24T10:00:00Z";
    const change = { collection: "shelves", key: "a1", updated_at: stamp, value: { aisle: 1 } };
    const pushed = await fetch(`${url}/v2/spaces/default/sync`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ changes: [change], pull: false }),
    });
    expect(await pushed.json()).toMatchObject({ results: [{ seq: 1 }] });
    const pulled = await fetch(`${url}/v2/spaces/default/changes`);
    expect(await pulled.json()).toMatchObject({ changes: [{ ...change, seq: 1 }], more: false });
    for (const page of ["/docs/", "/openapi.json", "/metrics"]) {
      expect((await fetch(`${url}${page}`)).status).toBe(200);
    }
    expect(existsSync(join(project, "data"))).toBe(true);
    expect(await stop({ child, url, output })).toBe(0);
    expect(output()).toMatch(/\nStopping: [^\n]+\n$/);
  });
});

describe("types", () => {
  const consumer = `
import { parseStamp, type Stamp } from "@synchro/core";
import { createChecker, syncAnswerSchema, type WireSyncAnswer } from "@synchro/protocol";
import { type Config, defineConfig } from "@synchro/server";

export const stamp: Stamp | null = parseStamp("2026-11-24T10:00:00Z");
export const config: Config = defineConfig({ limits: { changesMax: 10 } });
// @ts-expect-error a limit that there is not
defineConfig({ limits: { changesMux: 10 } });
const checked = createChecker(syncAnswerSchema)({});
export const cursor: WireSyncAnswer["cursor"] | null = checked.kind === "ok" ? checked.message.cursor : null;
// @ts-expect-error a bad answer has no message
export const message = checked.message;
`;
  const others = names.filter((name) => !["core", "protocol", "server"].includes(name));

  /** All of what is exported, checked to the last declaration; those with no rooms in browsers without the DOM. */
  const check = (module: string, moduleResolution: string): Promise<Ended> => {
    const options = { module, moduleResolution, target: "es2025", strict: true, noEmit: true };
    const files = ["consumer.ts"];
    put("consumer.ts", consumer);
    if (others.length > 0) files.push("others.ts");
    put(
      "others.ts",
      specifiersOf(...others)
        .map((from) => `export * from "${from}";\n`)
        .join(""),
    );
    const lib = others.length > 0 ? ["es2025", "dom"] : ["es2025"];
    const compilerOptions = { ...options, lib, types: [], skipLibCheck: false };
    put("tsconfig.json", JSON.stringify({ compilerOptions, files }));
    return runNode(join(root, "node_modules/typescript/bin/tsc"), "-p", ".");
  };

  test.each([
    ["nodenext", "nodenext"],
    ["esnext", "bundler"],
  ])(
    "module %s, resolved as %s",
    async (module, moduleResolution) => {
      await expectGood(check(module, moduleResolution));
    },
    60_000,
  );
});
