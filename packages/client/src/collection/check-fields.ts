import { isJsonObject, type JsonObject } from "@synchro/core";
import { type Fault, faultAt, type Fields, pathTo } from "./field.ts";

/** What is wrong with the members of an object at `path`. A member that is `undefined` counts as left out. */
export const checkFields = (fields: Fields, value: unknown, path: string): readonly Fault[] => {
  if (!isJsonObject(value)) return [faultAt(path, "must be an object")];
  return Object.entries(fields).flatMap(([name, { isOptional, check }]) => {
    const member = Object.hasOwn(value, name) ? value[name] : undefined;
    const memberPath = pathTo(path, name);
    if (member !== undefined) return check(member, memberPath);
    return isOptional ? [] : [faultAt(memberPath, "is required")];
  });
};

/** The JSON Schema of such an object. Members that are not declared are allowed. */
export const fieldsToSchema = (fields: Fields, optional: string | null = null): JsonObject => {
  const required = Object.entries(fields)
    .filter(([name, { isOptional }]) => !isOptional && name !== optional)
    .map(([name]) => name);
  const properties = Object.fromEntries(
    Object.entries(fields).map(([name, { schema }]) => [name, schema]),
  );
  return { type: "object", ...(required.length === 0 ? {} : { required }), properties };
};
