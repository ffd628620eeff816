import { type CollectionName, isCollectionName, type JsonObject } from "@synchro/core";
import { checkFields, fieldsToSchema } from "./check-fields.ts";
import type { Fields, ValueOfFields } from "./field.ts";

/** Brings a value of an older declaration up to this one. Pure; members that it does not know it keeps. */
export type Upgrade = (value: JsonObject, fromVersion: number) => JsonObject;

export type CollectionOptions<Declared extends Fields> = {
  /** The member that is the record's key: a required string. Absent: keys are made by the app, and stand beside the value. */
  readonly key?: keyof Declared & string;
  readonly fields: Declared;
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
  readonly version: number;
  readonly upgrade: Upgrade | null;
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
  const { key = null, fields, version = 1, upgrade = null } = options;
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
  assertVersion(name, version, upgrade);
  return { name, keyField: key, fields, version, upgrade };
};

/** What is wrong with a value, by its declaration alone; its key is required here. */
export const checkDeclared = ({ fields }: Collection, value: unknown) =>
  checkFields(fields, value, "");

/**
 * The JSON Schema (draft 2020-12) of a collection's values, for the server's configuration:
 * `{ schema: toJsonSchema(readings), key: "gtin" }`. The key is not required: other writers may leave
 * out of the value what the record says anyway.
 */
export const toJsonSchema = ({ fields, keyField }: Collection): JsonObject =>
  fieldsToSchema(fields, keyField);
