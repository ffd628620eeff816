import { type CollectionName, isCollectionName, type MergeRules } from "@synchro/core";
import { builtInCollections } from "@synchro/protocol";
import type { CollectionConfig, Config } from "../config/define-config.ts";
import { closestName } from "../config/closest-name.ts";
import { StartError } from "../config/start-error.ts";
import type { StoredCollection } from "../store/store.ts";

import type { Collection } from "./collection.ts";
import { compileSchema } from "./compile-schema.ts";
import { fieldsSchemaProblem, patchSchema, requiredFields } from "./fields-schema.ts";

/** The collections that a server serves: fixed from its start to its end. */
export type CollectionRegistry = {
  /** Any text may be asked for; undefined if no collection has that name. */
  readonly get: (name: string) => Collection | undefined;
  /** By code units, so the same on every start. */
  readonly names: readonly CollectionName[];
  /** What a store must know of them. */
  readonly storedCollections: ReadonlyMap<CollectionName, StoredCollection>;
};

const isBuiltIn = (name: string): name is keyof typeof builtInCollections =>
  Object.hasOwn(builtInCollections, name);

/** A built-in collection takes nothing but its history from a configuration. */
const withHistory = (
  name: keyof typeof builtInCollections,
  choice: Partial<CollectionConfig>,
): CollectionConfig => {
  const other = Object.keys(choice).find((field) => field !== "history");
  if (other !== undefined) {
    throw new StartError(
      `collections.${name}.${other}: ${name} is built in, and only its history may be chosen`,
    );
  }
  return { ...builtInCollections[name], history: choice.history ?? false };
};

const hasSchema = (declared: Partial<CollectionConfig>): declared is CollectionConfig =>
  declared.schema !== undefined;

/** @throws StartError if the policy can't have what the collection declares. */
const mergeRulesOf = (name: CollectionName, config: CollectionConfig): MergeRules => {
  const { merge = "last-write", schema, functions } = config;
  if (merge === "last-write") {
    if (functions === undefined) return merge;
    throw new StartError(`collections.${name}.functions: only with merge "fields"`);
  }
  const problem = fieldsSchemaProblem(schema, functions ?? {});
  if (problem !== null) throw new StartError(`collections.${name}.${problem}`);
  return { functions: functions ?? {}, required: requiredFields(schema) };
};

const createCollection = (name: CollectionName, config: CollectionConfig): Collection => {
  const merge = mergeRulesOf(name, config);
  const whole = compileSchema(config.schema);
  if (whole.kind === "refused") throw new StartError(`collections.${name}.schema: ${whole.reason}`);
  const compiled = merge === "last-write" ? whole : compileSchema(patchSchema(config.schema));
  if (compiled.kind === "refused") {
    throw new StartError(`collections.${name}.schema: ${compiled.reason}`);
  }
  return {
    name,
    keyField: config.key ?? null,
    merge,
    keepsHistory: config.history ?? false,
    schema: config.schema,
    validate: compiled.validate,
  };
};

const configOf = (name: string, declared: Partial<CollectionConfig>): CollectionConfig => {
  if (isBuiltIn(name)) return withHistory(name, declared);
  if (hasSchema(declared)) return declared;
  const meant = closestName(name, Object.keys(builtInCollections));
  const hint = meant === null ? "" : ` (did you mean ${meant}?)`;
  throw new StartError(
    `collections.${name}.schema is missing: a collection declares a JSON Schema of its values${hint}`,
  );
};

/**
 * The built-in collections and those of a configuration that has been read (`readConfig`).
 *
 * @throws StartError naming the collection, the field and the rule.
 */
export const createCollectionRegistry = (
  declared: NonNullable<Config["collections"]> = {},
): CollectionRegistry => {
  const collections = new Map<string, Collection>();
  for (const name of new Set([...Object.keys(builtInCollections), ...Object.keys(declared)])) {
    if (!isCollectionName(name)) {
      throw new StartError(`collections.${name}: a name is [a-z][a-z0-9_-]{0,62}`);
    }
    collections.set(name, createCollection(name, configOf(name, declared[name] ?? {})));
  }
  const names = [...collections.values()].map(({ name }) => name).toSorted();
  return {
    get: (name) => collections.get(name),
    names,
    storedCollections: new Map(
      [...collections.values()].map(({ name, merge, keepsHistory }) => [
        name,
        { merge, keepsHistory },
      ]),
    ),
  };
};
