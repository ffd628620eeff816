import {
  COLLECTION_NAME_PATTERN,
  isCollectionName,
  isJsonObject,
  mergePolicyNames,
} from "@synchro/core";
import type { Limits } from "@synchro/protocol";
import { nameHint } from "./closest-name.ts";
import type { Config } from "./define-config.ts";
import { readLimits } from "./read-limits.ts";
import { StartError } from "./start-error.ts";

type Fields = { readonly [name: string]: unknown };

const readObject = (where: string, value: unknown): Fields => {
  if (isJsonObject(value)) return value;
  throw new StartError(`${where === "" ? "the configuration" : where} must be an object`);
};

const refuseUnknown = (where: string, fields: Fields, known: readonly string[]): void => {
  const unknown = Object.keys(fields).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const path = where === "" ? unknown : `${where}.${unknown}`;
  throw new StartError(`${path} is not a field: ${nameHint(unknown, known)}`);
};

const checkKeyField = (where: string, key: unknown): void => {
  if (typeof key === "string" && key !== "" && !key.startsWith("_")) return;
  throw new StartError(`${where} must be the name of a member of the value, without a leading _`);
};

const checkCollection = (where: string, value: unknown): void => {
  const fields = readObject(where, value);
  refuseUnknown(where, fields, ["schema", "key", "merge", "functions", "history"]);
  const { schema, key, merge, functions, history } = fields;
  if (schema !== undefined) readObject(`${where}.schema`, schema);
  if (key !== undefined) checkKeyField(`${where}.key`, key);
  if (merge !== undefined && !mergePolicyNames.some((name) => name === merge)) {
    throw new StartError(`${where}.merge must be one of ${mergePolicyNames.join(", ")}`);
  }
  if (functions !== undefined) readObject(`${where}.functions`, functions);
  if (history !== undefined && typeof history !== "boolean") {
    throw new StartError(`${where}.history must be true or false`);
  }
};

const readCollections = (value: unknown): ReadConfig["collections"] => {
  const collections = readObject("collections", value);
  for (const [name, collection] of Object.entries(collections)) {
    if (!isCollectionName(name)) {
      throw new StartError(`collections.${name}: a name must match ${COLLECTION_NAME_PATTERN}`);
    }
    checkCollection(`collections.${name}`, collection);
  }
  return collections as ReadConfig["collections"];
};

/** A configuration whose fields have been checked; limits that it does not set have their defaults. */
export type ReadConfig = {
  readonly collections: NonNullable<Config["collections"]>;
  readonly limits: Limits;
};

/**
 * Checks what a configuration file holds, field by field. What the schemas mean is the registry's
 * to check (`createCollectionRegistry`).
 *
 * @throws StartError naming the field and the rule; the file is the caller's to name.
 */
export const readConfig = (value: unknown): ReadConfig => {
  const fields = readObject("", value);
  refuseUnknown("", fields, ["collections", "limits"]);
  const { collections = {}, limits = {} } = fields;
  return {
    collections: readCollections(collections),
    limits: readLimits(readObject("limits", limits)),
  };
};
