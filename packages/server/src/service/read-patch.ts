import {
  type FieldRules,
  formatFieldState,
  isJsonObject,
  isLife,
  type JsonObject,
  laterStamp,
  LIFE_MAX,
  parseStamp,
  type Stamp,
  type VersionContent,
} from "@synchro/core";
import type { Limits } from "@synchro/protocol";
import type { Collection } from "../collections/collection.ts";
import {
  checkMembers,
  checkSchema,
  isDelete,
  pointerTo,
  readMembers,
  valueText,
} from "./read-value.ts";
import { Refusal } from "./refusal.ts";

const readLife = (change: JsonObject, isDeleted: boolean): number => {
  const life = change["life"] ?? null;
  if (life === null) {
    const message = "life is missing: this collection merges field by field";
    throw new Refusal("policy_mismatch", "/life", message);
  }
  if (!isLife(life)) {
    const message = `life must be an integer from 1 to ${LIFE_MAX}`;
    throw new Refusal("bad_change", "/life", message);
  }
  if ((life % 2 === 0) === isDeleted) return life;
  const message = `life must be ${isDeleted ? "even in a delete" : "odd where there is a value"}`;
  throw new Refusal("bad_change", "/life", message);
};

const readStamps = (change: JsonObject): ReadonlyMap<string, Stamp> => {
  const stamps = change["stamps"] ?? {};
  if (!isJsonObject(stamps)) {
    throw new Refusal("bad_change", "/stamps", "stamps must be an object, by field");
  }
  const read = Object.entries(stamps).map(([field, text]): [string, Stamp] => {
    const stamp = typeof text === "string" ? parseStamp(text) : null;
    if (stamp !== null) return [field, stamp];
    const message = `the stamp of ${field} must be an instant YYYY-MM-DDTHH:MM:SS[.f]Z with at most 6 fractional digits`;
    throw new Refusal("bad_stamp", pointerTo("stamps", field), message);
  });
  return new Map(read);
};

const checkRemoval = ({ functions, required }: FieldRules, field: string): void => {
  const path = pointerTo("value", field);
  if (field.startsWith("_")) {
    throw new Refusal("reserved_member", path, "members that start with _ are reserved");
  }
  if (required.includes(field)) {
    throw new Refusal("schema_mismatch", path, `${field} is required, and can't be removed`);
  }
  if (Object.hasOwn(functions, field)) {
    const message = `${field} is joined by ${functions[field]}, and can't be removed`;
    throw new Refusal("schema_mismatch", path, message);
  }
};

/**
 * What a change to a collection of the policy `fields` holds: its patch, with a stamp for each field
 * that it sets or removes, and the greatest stamp of all. Whether it may make a record shows only
 * beside what is stored. Spec: FIELDS-*.
 *
 * @throws Refusal
 */
export const readPatch = (
  {
    collection,
    rules,
    limits,
  }: {
    readonly collection: Collection;
    readonly rules: FieldRules;
    readonly limits: Limits;
  },
  change: JsonObject,
  of: { readonly key: string; readonly stamp: Stamp },
): VersionContent => {
  const isDeleted = isDelete(change);
  const life = readLife(change, isDeleted);
  const listed = readStamps(change);
  const stamp = [...listed.values()].reduce(laterStamp, of.stamp);
  if (isDeleted) {
    if (listed.size === 0) {
      return { stamp, value: null, fieldState: formatFieldState({ life, stamps: listed }) };
    }
    throw new Refusal("bad_change", "/stamps", "a delete has no fields, and no stamps of them");
  }
  const patch = readMembers(change);
  const set = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== null));
  checkMembers(collection, of.key, set);
  const names = new Set([...Object.keys(patch), ...listed.keys()]);
  for (const name of names) if (!Object.hasOwn(set, name)) checkRemoval(rules, name);
  const value = valueText(patch, limits);
  checkSchema(collection, set);
  const stamps = new Map([...names].map((name) => [name, listed.get(name) ?? of.stamp]));
  return { stamp, value, fieldState: formatFieldState({ life, stamps }) };
};
