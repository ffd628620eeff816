import {
  type CollectionName,
  type FieldFunction,
  isCollectionName,
  type JsonObject,
  type MergePolicyName,
} from "@synchro/core";
import { checkFields, fieldsToSchema } from "./check-fields.ts";
import type { Fields, ValueOfFields } from "./field.ts";

/** Brings a value of an older declaration up to this one. Pure; members that it does not know it keeps. */
export type Upgrade = (value: JsonObject, fromVersion: number) => JsonObject;

export type CollectionOptions<Declared extends Fields> = {
  /** The member that is the record's key: a required string. Absent: keys are made by the app, and stand beside the value. */
  readonly key?: keyof Declared & string;
  readonly fields: Declared;
  /** How edits of several devices meet; `last-write` if absent. The server's configuration must say the same. */
  readonly merge?: MergePolicyName;
  /** With `fields`: how a field's values become one where the later does not simply win. */
  readonly functions?: { readonly [Name in keyof Declared & string]?: FieldFunction };
  /** Counted up when the declaration changes so that old values don't fit; 1 if absent. */
  readonly version?: number;
  /** Required from version 2 on. */
  readonly upgrade?: Upgrade;
};

/** A declared collection. `Row` is its value as the app sees it. */
export type Collection<Declared extends Fields = Fields> = {
  readonly name: CollectionName;
  /** Null: keys are made by the app. */
  readonly keyField: string | null;
  readonly fields: Declared;
  readonly merge: MergePolicyName;
  readonly functions: { readonly [field: string]: FieldFunction };
  readonly version: number;
  readonly upgrade: Upgrade | null;
};

/** A collection as the server's configuration declares it. */
export type ServerCollection = {
  readonly schema: JsonObject;
  readonly key?: string;
  readonly merge?: MergePolicyName;
  readonly functions?: { readonly [field: string]: FieldFunction };
};

/** The type of a collection's values: `RowOf<typeof readings>`. */
export type RowOf<Declared> =
  Declared extends Collection<infer Members> ? ValueOfFields<Members> : never;

const assertVersion = (name: string, version: number, upgrade: Upgrade | null): void => {
  if (!Number.isInteger(version) || version < 1) {
    throw new TypeError(`${name}: version must be an integer from 1`);
  }
  if (version > 1 && upgrade === null) {
    throw new TypeError(`${name}: version ${version} needs an upgrade for older values`);
  }
};

/**
 * Declares a collection: what its values hold, and which member is the key.
 *
 * @throws TypeError naming the collection and what is wrong with its declaration.
 */
export const collection = <const Declared extends Fields>(
  name: string,
  options: CollectionOptions<Declared>,
): Collection<Declared> => {
  const { key = null, fields, merge = "last-write", version = 1, upgrade = null } = options;
  const functions = options.functions ?? {};
  if (!isCollectionName(name)) {
    throw new TypeError(`${JSON.stringify(name)}: a collection's name is [a-z][a-z0-9_-]{0,62}`);
  }
  const reserved = Object.keys(fields).find((field) => field.startsWith("_"));
  if (reserved !== undefined) throw new TypeError(`${name}.${reserved}: no field starts with _`);
  if (key !== null) {
    const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
    if (field === undefined || field.isOptional || field.schema["type"] !== "string") {
      throw new TypeError(`${name}: the key ${key} must be a declared, required string`);
    }
  }
  if (merge !== "fields" && options.functions !== undefined) {
    throw new TypeError(`${name}: functions need merge: "fields"`);
  }
  assertVersion(name, version, upgrade);
  return { name, keyField: key, fields, merge, functions, version, upgrade };
};

/** What is wrong with a value, by its declaration alone; its key is required here. */
export const checkDeclared = ({ fields }: Collection, value: unknown) =>
  checkFields(fields, value, "");

/**
 * What the server's configuration says of the collection, so that the declaration stands once:
 * `collections: { articles: toServerCollection(articles) }`. The schema is JSON Schema (draft
 * 2020-12); it does not require the key: other writers may leave out of the value what the record
 * says anyway.
 */
export const toServerCollection = ({
  fields,
  keyField,
  merge,
  functions,
}: Collection): ServerCollection => ({
  schema: fieldsToSchema(fields, keyField),
  ...(keyField === null ? {} : { key: keyField }),
  ...(merge === "fields" ? { merge, functions } : {}),
});
