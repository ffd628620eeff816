import type { ErrorObject } from "ajv/dist/2020.js";
import type { ValueFault } from "./collection.ts";
import { dateFormatNames } from "./date-formats.ts";

/** Letters of a schema's or a client's text that a message repeats. */
const QUOTED_LENGTH_MAX = 80;

const pointerToken = (name: string): string => name.replaceAll("~", "~0").replaceAll("/", "~1");

const quoted = (value: unknown): string => {
  const text = JSON.stringify(value);
  return text.length > QUOTED_LENGTH_MAX ? `${text.slice(0, QUOTED_LENGTH_MAX)}…` : text;
};

const typeNames: { readonly [type: string]: string } = {
  array: "an array",
  boolean: "true or false",
  integer: "an integer",
  null: "null",
  number: "a number",
  object: "an object",
  string: "a string",
};

const paramText = (error: ErrorObject, name: string): string => {
  const param: unknown = error.params[name];
  return typeof param === "string" ? param : "";
};

/** The member that an error is about where ajv points to the object around it; null elsewhere. */
const memberOf = (error: ErrorObject): string | null => {
  switch (error.keyword) {
    case "required":
    case "dependentRequired":
      return paramText(error, "missingProperty");
    case "additionalProperties":
      return paramText(error, "additionalProperty");
    case "unevaluatedProperties":
      return paramText(error, "unevaluatedProperty");
    case "propertyNames":
      return paramText(error, "propertyName");
    default:
      return null;
  }
};

const ruleOf = (error: ErrorObject): string => {
  const { params } = error;
  switch (error.keyword) {
    case "required":
      return "is required";
    case "dependentRequired":
      return `is required where ${paramText(error, "property")} stands`;
    case "additionalProperties":
    case "unevaluatedProperties":
      return "is not a member that the schema knows";
    case "propertyNames":
      return "is not a name that the schema allows";
    case "type": {
      const types = [params["type"] as string | readonly string[]].flat();
      return `must be ${types.map((type) => typeNames[type] ?? type).join(" or ")}`;
    }
    case "format": {
      const format = paramText(error, "format");
      return `must be ${dateFormatNames[format] ?? format}`;
    }
    case "enum":
      return `must be one of ${quoted(params["allowedValues"])}`;
    case "const":
      return `must be ${quoted(params["allowedValue"])}`;
    case "anyOf":
    case "oneOf":
      return "fits none of the forms that the schema allows";
    case "not":
      return "is of a form that the schema rules out";
    case "false schema":
      return "must not stand here";
    default:
      return error.message ?? "does not fit the schema";
  }
};

/**
 * The error to tell, of those that one failed check leaves: what failed inside comes first, the
 * keyword around it last. A failed `if` says less than the branch that failed.
 */
export const mostTelling = (errors: readonly ErrorObject[]): ErrorObject | undefined => {
  const last = errors.at(-1);
  return last?.keyword === "if" || last?.keyword === "propertyNames" ? errors.at(0) : last;
};

/** An error of ajv as a path to the member in question and one sentence that names it and the rule. */
export const valueFaultOf = (error: ErrorObject): ValueFault => {
  // Where a name is wrong, ajv tells of the name as if it were a value.
  const member = error.propertyName ?? memberOf(error);
  const path =
    member === null ? error.instancePath : `${error.instancePath}/${pointerToken(member)}`;
  const field = path === "" ? "value" : path.slice(1).replaceAll("~1", "/").replaceAll("~0", "~");
  const rule =
    error.propertyName === undefined
      ? ruleOf(error)
      : `is not a name that the schema allows (it ${ruleOf(error)})`;
  return { path, message: `${field} ${rule}` };
};
