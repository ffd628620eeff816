import { type FieldFunction, fieldFunctions, isJsonObject } from "@synchro/core";

type Schema = { readonly [keyword: string]: unknown };

/** Keywords that say something for people, and constrain nothing. */
const annotations = [
  "$schema",
  "$id",
  "$comment",
  "$defs",
  "title",
  "description",
  "default",
  "examples",
  "deprecated",
  "readOnly",
  "writeOnly",
];

/** Keywords that look at one field at a time. */
const wholeKeywords: ReadonlySet<string> = new Set([
  ...annotations,
  "type",
  "properties",
  "patternProperties",
  "additionalProperties",
  "propertyNames",
  "required",
]);

/** Keywords that two lists can't break together if neither breaks them alone. */
const unionKeywords: ReadonlySet<string> = new Set([
  ...annotations,
  "type",
  "items",
  "minItems",
  "uniqueItems",
]);

const isFieldFunction = (name: unknown): name is FieldFunction =>
  fieldFunctions.some((known) => known === name);

/** Whether anything within a schema refers to the whole of it. */
const refersToWhole = (part: unknown, id: unknown): boolean => {
  if (Array.isArray(part)) return part.some((item) => refersToWhole(item, id));
  if (!isJsonObject(part)) return false;
  return Object.entries(part).some(([keyword, value]) => {
    const isReference = keyword === "$ref" || keyword === "$dynamicRef";
    if (!isReference || typeof value !== "string") return refersToWhole(value, id);
    return value === "#" || value === "" || value === id || value === `${String(id)}#`;
  });
};

const functionProblem = (field: string, name: unknown, properties: Schema): string | null => {
  const where = `functions.${field}`;
  if (!isFieldFunction(name)) return `${where} must be one of ${fieldFunctions.join(", ")}`;
  const schema = Object.hasOwn(properties, field) ? properties[field] : undefined;
  if (!isJsonObject(schema)) return `${where}: the schema has no property ${field}`;
  const { type } = schema;
  if (name !== "union") {
    const isOrdered = type === "number" || type === "integer" || type === "string";
    return isOrdered ? null : `${where}: ${name} is for the types number, integer and string`;
  }
  if (type !== "array") return `${where}: union is for the type array`;
  const keyword = Object.keys(schema).find((each) => !unionKeywords.has(each));
  return keyword === undefined
    ? null
    : `schema.properties.${field}.${keyword}: a union of valid lists could break it`;
};

/**
 * Why a collection with the policy `fields` can't have this schema, or these functions: its path within
 * the declaration, and the rule; null if it can. Each field must be constrained alone, so that no merge
 * of valid patches is invalid. Spec: FIELDS-24, FIELDS-25.
 */
export const fieldsSchemaProblem = (schema: Schema, functions: Schema): string | null => {
  const keyword = Object.keys(schema).find((each) => !wholeKeywords.has(each));
  if (keyword !== undefined) {
    return `schema.${keyword}: with merge "fields" a schema constrains each field alone`;
  }
  if (refersToWhole(schema, schema["$id"])) {
    return 'schema.$ref: with merge "fields" no field is of the form of the whole value';
  }
  const { properties } = schema;
  const declared = isJsonObject(properties) ? properties : {};
  for (const [field, name] of Object.entries(functions)) {
    const problem = functionProblem(field, name, declared);
    if (problem !== null) return problem;
  }
  return null;
};

/** The fields that every whole value has. */
export const requiredFields = ({ required }: Schema): readonly string[] =>
  Array.isArray(required) ? required.filter((name) => typeof name === "string") : [];

/** What a patch keeps: the same schema, for fewer fields. */
export const patchSchema = (schema: Schema): Schema => {
  const { required: _, ...ofFields } = schema;
  return ofFields;
};
