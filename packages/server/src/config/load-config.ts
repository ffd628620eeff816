import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { isJsonObject } from "@synchro/core";
import type { Limits } from "@synchro/protocol";
import {
  type CollectionRegistry,
  createCollectionRegistry,
} from "../collections/collection-registry.ts";
import { type ReadConfig, readConfig } from "./read-config.ts";
import { StartError } from "./start-error.ts";

const load = createRequire(import.meta.url);

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : "";

/** The first line of what went wrong: the rest is a stack, or a list of files. */
const firstLine = (error: unknown): string => {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n", 1)[0] ?? text;
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new StartError(`is not valid JSON: ${firstLine(error)}`);
  }
};

const runModule = (path: string): unknown => {
  try {
    const exports: unknown = load(path);
    return isJsonObject(exports) && "default" in exports ? exports["default"] : exports;
  } catch (error) {
    if (codeOf(error) === "ERR_REQUIRE_ASYNC_MODULE") {
      throw new StartError("must not await at its top level");
    }
    throw new StartError(`can't be run: ${firstLine(error)}`);
  }
};

const readFile = (path: string): string => {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const reason = codeOf(error) === "ENOENT" ? "there is no such file" : firstLine(error);
    throw new StartError(`can't be read: ${reason}`);
  }
};

/** What a configuration comes to, once all of it has been checked. */
export type LoadedConfig = { readonly registry: CollectionRegistry; readonly limits: Limits };

const loadedConfig = (config: ReadConfig): LoadedConfig => ({
  registry: createCollectionRegistry(config.collections),
  limits: config.limits,
});

/**
 * Loads a configuration file: JSON by the name `*.json`, else a module, TypeScript or JavaScript,
 * whose default export it is. Null: the built-in collections and the default limits.
 *
 * @throws StartError naming the file, the field and the rule.
 */
export const loadConfig = (file: string | null): LoadedConfig => {
  if (file === null) return loadedConfig(readConfig({}));
  const path = resolve(file);
  try {
    const text = readFile(path);
    return loadedConfig(readConfig(path.endsWith(".json") ? parseJson(text) : runModule(path)));
  } catch (error) {
    if (error instanceof StartError) throw new StartError(`${file}: ${error.message}`);
    throw error;
  }
};
