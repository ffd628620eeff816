import { isJsonObject } from "@synchro/core";
import type { Collection } from "../collections/collection.ts";
import { closestName } from "../config/closest-name.ts";
import { StartError } from "../config/start-error.ts";
import { type CellTypes, cellTypesOf } from "./csv-cell.ts";

/** The columns that are not members of the value. */
const ownNames: ReadonlySet<string> = new Set(["key", "updated_at", "deleted"]);

const MEMBER_PREFIX = "value.";

/** A member's column: its name, behind `value.` where the name alone would mean something else. */
export const columnOfMember = (member: string): string =>
  ownNames.has(member) || member.startsWith(MEMBER_PREFIX) ? `${MEMBER_PREFIX}${member}` : member;

const memberOfColumn = (column: string): string =>
  column.startsWith(MEMBER_PREFIX) ? column.slice(MEMBER_PREFIX.length) : column;

const propertiesOf = (collection: Collection): { readonly [member: string]: unknown } => {
  const { properties } = collection.schema;
  return isJsonObject(properties) ? properties : {};
};

/** The members that a collection's schema names, in its order. */
export const declaredMembers = (collection: Collection): readonly string[] =>
  Object.keys(propertiesOf(collection));

export const memberTypes = (collection: Collection, member: string): CellTypes => {
  const properties = propertiesOf(collection);
  return Object.hasOwn(properties, member) ? cellTypesOf(properties[member]) : null;
};

export type CsvColumns = {
  readonly count: number;
  readonly key: number;
  /** -1: there is none. */
  readonly updatedAt: number;
  /** -1: there is none. */
  readonly deleted: number;
  readonly members: readonly {
    readonly at: number;
    readonly member: string;
    readonly types: CellTypes;
  }[];
};

const forbiddenMembers: ReadonlySet<string> = new Set(["__proto__", "constructor"]);

const checkNames = (names: readonly string[]): void => {
  for (const [index, name] of names.entries()) {
    const member = memberOfColumn(name);
    if (member === "") throw new StartError(`line 1: column ${index + 1} has no name`);
    if (names.indexOf(name) !== index) {
      throw new StartError(`line 1: column ${JSON.stringify(name)} stands twice`);
    }
    if (member.startsWith("_") || forbiddenMembers.has(member)) {
      throw new StartError(`line 1: column ${JSON.stringify(name)}: the name is reserved`);
    }
  }
};

const missingColumn = (name: string, names: readonly string[]): StartError => {
  const closest = closestName(name, names);
  const separator = [";", "\t"].find((sign) => names.length === 1 && names[0]?.includes(sign));
  const hint =
    separator !== undefined
      ? `: cells are parted by commas, not by ${separator === ";" ? "semicolons" : "tabs"}`
      : closest === null
        ? ""
        : ` (is it ${JSON.stringify(closest)}?)`;
  return new StartError(`line 1: column ${JSON.stringify(name)} is missing${hint}`);
};

const requiredMembers = (collection: Collection): readonly string[] => {
  const { required } = collection.schema;
  return Array.isArray(required) ? required.filter((name) => typeof name === "string") : [];
};

/**
 * What the columns of a header line are. Without a column `key` that of the member which repeats the
 * key stands for it, and is then a member only where the schema requires it.
 *
 * @throws StartError naming the column.
 */
export const readCsvHeader = (names: readonly string[], collection: Collection): CsvColumns => {
  checkNames(names);
  const { keyField } = collection;
  const required = requiredMembers(collection);
  const ownKey = names.indexOf("key");
  const fieldKey = keyField === null ? -1 : names.indexOf(columnOfMember(keyField));
  const key = ownKey === -1 ? fieldKey : ownKey;
  if (key === -1) throw missingColumn("key", names);
  const deleted = names.indexOf("deleted");
  const members = names.flatMap((name, at) => {
    if (ownNames.has(name)) return [];
    const member = memberOfColumn(name);
    if (at === key && !required.includes(member)) return [];
    return [{ at, member, types: memberTypes(collection, member) }];
  });
  const absent = required.find((name) => !members.some(({ member }) => member === name));
  if (absent !== undefined && deleted === -1) throw missingColumn(columnOfMember(absent), names);
  return { count: names.length, key, updatedAt: names.indexOf("updated_at"), deleted, members };
};
