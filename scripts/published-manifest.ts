/** What a condition of `exports` leads to: a file, or more conditions. */
type ExportTarget = string | { readonly [condition: string]: ExportTarget };

/** A package.json, as far as publishing asks. */
export type Manifest = {
  readonly name: string;
  readonly version: string;
  readonly scripts?: { readonly [name: string]: string };
  readonly devDependencies?: { readonly [name: string]: string };
  readonly dependencies?: { readonly [name: string]: string };
  readonly exports: { readonly [subpath: string]: ExportTarget };
  readonly [field: string]: unknown;
};

/** The condition by which the packages of a checkout find each other's TypeScript. */
const SOURCE = "source";

const withoutSource = (target: ExportTarget): ExportTarget =>
  typeof target === "string"
    ? target
    : Object.fromEntries(
        Object.entries(target)
          .filter(([condition]) => condition !== SOURCE)
          .map(([condition, inner]) => [condition, withoutSource(inner)]),
      );

/** The TypeScript files that a package exports, as its manifest names them (`./src/index.ts`). */
export const sourceEntries = ({ exports }: Manifest): readonly string[] =>
  Object.entries(exports).flatMap(([subpath, target]) => {
    if (typeof target === "string") return [];
    const source = target[SOURCE];
    if (typeof source !== "string") throw new Error(`exports["${subpath}"] has no source`);
    return [source];
  });

/** By what it is imported as (`@synchro/core`), the declarations of each thing that a package exports. */
export const typeEntries = ({ name, exports }: Manifest): readonly (readonly [string, string])[] =>
  Object.entries(exports).flatMap(([subpath, target]) => {
    const types = typeof target === "string" ? undefined : target["types"];
    return typeof types === "string" ? [[`${name}${subpath.slice(1)}`, types] as const] : [];
  });

/**
 * The manifest that is published: without what only a checkout can follow. The sources are not in
 * the package, so a consumer who runs with `--conditions=source` must not be sent to them.
 *
 * @throws Error if a sibling is not depended on at exactly this package's version: they are
 * released together, and tested only so.
 */
export const publishedManifest = (manifest: Manifest): Manifest => {
  const { scripts: _scripts, devDependencies: _dev, ...published } = manifest;
  for (const [name, version] of Object.entries(manifest.dependencies ?? {})) {
    if (name.startsWith("@synchro/") && version !== manifest.version) {
      throw new Error(`${manifest.name} ${manifest.version} depends on ${name} ${version}`);
    }
  }
  return {
    ...published,
    exports: Object.fromEntries(
      Object.entries(manifest.exports).map(([subpath, target]) => [subpath, withoutSource(target)]),
    ),
  };
};
