import { execFileSync, spawnSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import {
  type Manifest,
  publishedManifest,
  sourceEntries,
  typeEntries,
} from "./published-manifest.ts";

// Makes of each package the folder that is published, `dist/<package>`, and with `--pack` its
// tarball beside it. Nothing is written into the packages: a checkout runs from source, whether
// something was built or not.

const root = join(import.meta.dirname, "..");
const compiler = join(root, "node_modules/typescript/bin/tsc");

/** In the order of their dependencies: each is compiled against what the earlier ones publish. */
const packages = ["core", "protocol", "client", "server"];

const readManifest = (source: string): Manifest =>
  JSON.parse(readFileSync(join(source, "package.json"), "utf8")) as Manifest;

const writeJson = (path: string, value: unknown): void =>
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);

/**
 * Where the compiler starts; it emits what these import, and so no test. Beside what a package
 * exports: its command line, and threads, which are named by URL only.
 */
const entries = (source: string, manifest: Manifest): readonly string[] => [
  ...sourceEntries(manifest).map((entry) => join(source, entry)),
  ...globSync(["src/cli/main.ts", "src/**/*-thread.ts"], { cwd: source }).map((entry) =>
    join(source, entry),
  ),
];

/** By what they are imported as, the declarations of the packages that stand in `out`. */
const siblingTypes = (out: string): { readonly [specifier: string]: readonly string[] } =>
  Object.fromEntries(
    globSync("*/package.json", { cwd: out }).flatMap((file) => {
      const sibling = join(out, dirname(file));
      return typeEntries(readManifest(sibling)).map(
        ([specifier, types]) => [specifier, [join(sibling, types)]] as const,
      );
    }),
  );

/** Compiles a package: JavaScript and declarations. No source maps: what they lead to is not shipped. */
const compile = (source: string, target: string, files: readonly string[]): void => {
  const own = join(source, "tsconfig.json");
  const config = `${target}.tsconfig.json`;
  writeJson(config, {
    extends: existsSync(own) ? own : join(root, "tsconfig.json"),
    compilerOptions: {
      rootDir: join(source, "src"),
      outDir: join(target, "dist"),
      noEmit: false,
      noEmitOnError: true,
      declaration: true,
      // Not the siblings' sources, but what their users will see of them.
      customConditions: [],
      paths: siblingTypes(dirname(target)),
    },
    files,
    include: [],
  });
  const { status } = spawnSync(process.execPath, [compiler, "-p", config], {
    cwd: root,
    stdio: "inherit",
  });
  rmSync(config);
  if (status !== 0) process.exit(1); // it has said why
};

/** What the program reads beside its own code, at its place. */
const copyAssets = (source: string, target: string): void => {
  for (const asset of globSync("**/*.{css,html,json,sql,svg,wasm}", { cwd: join(source, "src") })) {
    cpSync(join(source, "src", asset), join(target, "dist", asset));
  }
};

const build = (name: string, out: string): void => {
  const source = join(root, "packages", name);
  const target = join(out, name);
  const manifest = readManifest(source);
  mkdirSync(target, { recursive: true });
  compile(source, target, entries(source, manifest));
  copyAssets(source, target);
  writeJson(join(target, "package.json"), publishedManifest(manifest));
  copyFileSync(join(root, "LICENSE"), join(target, "LICENSE"));
  copyFileSync(join(source, "README.md"), join(target, "README.md"));
  const bin = join(source, "bin");
  if (!existsSync(bin)) return;
  cpSync(bin, join(target, "bin"), {
    recursive: true,
    filter: (path) => !path.endsWith(".test.ts"),
  });
};

const pack = (out: string): void => {
  const folders = packages.map((name) => join(out, name));
  execFileSync("npm", ["pack", "--silent", "--pack-destination", out, ...folders], {
    stdio: "inherit",
    shell: process.platform === "win32",
  });
};

const { values } = parseArgs({
  options: { out: { type: "string", default: "dist" }, pack: { type: "boolean", default: false } },
});
const out = resolve(root, values.out);
if (!`${out}/`.startsWith(join(root, "dist/"))) {
  // Its folders are emptied first; and the compiler looks for dependencies in the folders above.
  throw new Error("--out must be the dist folder of this checkout, or within it");
}
for (const name of packages) rmSync(join(out, name), { recursive: true, force: true });
for (const name of packages) build(name, out);
if (values.pack) pack(out);
