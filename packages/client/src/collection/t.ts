import { countCodePoints, type JsonObject, type JsonValue, parseInstant } from "@synchro/core";
import { INSTANT_FORMAT, INSTANT_RULE } from "@synchro/protocol/instant-format";
import { checkFields, fieldsToSchema } from "./check-fields.ts";
import {
  createDeepField,
  createField,
  faultAt,
  type Field,
  type Fields,
  pathTo,
  type ValueOfFields,
} from "./field.ts";

export type StringRules = {
  /** Lengths are in code points. */
  readonly minLength?: number;
  readonly maxLength?: number;
  /** A regular expression with the flag `u`; write one that can't backtrack for long. */
  readonly pattern?: string;
};

export type NumberRules = { readonly minimum?: number; readonly maximum?: number };

export type ArrayRules = { readonly minItems?: number; readonly maxItems?: number };

const string = (rules: StringRules = {}): Field<string, false> => {
  const { minLength = 0, maxLength = Number.POSITIVE_INFINITY, pattern } = rules;
  const expression = pattern === undefined ? null : new RegExp(pattern, "u");
  return createField({ type: "string", ...rules }, (value) => {
    if (typeof value !== "string") return "must be a string";
    const length = countCodePoints(value);
    if (length < minLength) return `must have at least ${minLength} characters`;
    if (length > maxLength) return `must have at most ${maxLength} characters`;
    return expression === null || expression.test(value) ? null : `must match ${pattern}`;
  });
};

const boundsRule = (value: number, { minimum, maximum }: NumberRules): string | null => {
  if (minimum !== undefined && value < minimum) return `must be at least ${minimum}`;
  return maximum !== undefined && value > maximum ? `must be at most ${maximum}` : null;
};

const number = (rules: NumberRules = {}): Field<number, false> =>
  createField({ type: "number", ...rules }, (value) =>
    typeof value === "number" && Number.isFinite(value)
      ? boundsRule(value, rules)
      : "must be a number",
  );

const integer = (rules: NumberRules = {}): Field<number, false> =>
  createField({ type: "integer", ...rules }, (value) =>
    typeof value === "number" && Number.isInteger(value)
      ? boundsRule(value, rules)
      : "must be an integer",
  );

const boolean = (): Field<boolean, false> =>
  createField({ type: "boolean" }, (value) =>
    typeof value === "boolean" ? null : "must be true or false",
  );

/** A full-date or a date-time of ISO 8601, kept as it is written: what `readings.expiration_date` may hold. */
const date = (): Field<string, false> =>
  createField({ type: "string", format: INSTANT_FORMAT }, (value) =>
    typeof value === "string" && parseInstant(value) !== null ? null : INSTANT_RULE,
  );

const oneOf = <const Value extends string | number | boolean>(
  ...values: readonly Value[]
): Field<Value, false> =>
  createField({ enum: values }, (value) =>
    values.some((each) => each === value)
      ? null
      : `must be one of ${values.map((each) => JSON.stringify(each)).join(", ")}`,
  );

/** Any JSON; the data rules hold for it all the same. */
const json = (): Field<JsonValue, false> => createField({}, () => null);

const array = <Item>(item: Field<Item>, rules: ArrayRules = {}): Field<readonly Item[], false> => {
  const { minItems = 0, maxItems = Number.POSITIVE_INFINITY } = rules;
  const schema: JsonObject = { type: "array", items: item.schema, ...rules };
  return createDeepField(schema, (value, path) => {
    if (!Array.isArray(value)) return [faultAt(path, "must be an array")];
    if (value.length < minItems) return [faultAt(path, `must have at least ${minItems} items`)];
    if (value.length > maxItems) return [faultAt(path, `must have at most ${maxItems} items`)];
    return value.flatMap((each, index) => item.check(each, pathTo(path, index)));
  });
};

/** Members that are not declared are allowed, and kept. */
const object = <Declared extends Fields>(fields: Declared): Field<ValueOfFields<Declared>, false> =>
  createDeepField(fieldsToSchema(fields), (value, path) => checkFields(fields, value, path));

/** The fields that a collection may declare. Each has `.optional()`. */
export const t = { string, number, integer, boolean, date, oneOf, json, array, object } as const;
