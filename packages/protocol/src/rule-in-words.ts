import { COLLECTION_NAME_PATTERN, SPACE_ID_PATTERN } from "@synchro/core";
import type { TValidationError } from "typebox/error";
import { STAMP_PATTERN } from "./messages/field.ts";

const typeNames: { readonly [type: string]: string } = {
  array: "an array",
  boolean: "true or false",
  integer: "an integer",
  null: "null",
  number: "a number",
  object: "an object",
  string: "a string",
};

const patternNames: { readonly [pattern: string]: string } = {
  [COLLECTION_NAME_PATTERN]:
    "a collection's name (a letter a-z, then up to 62 of a-z, 0-9, _ and -)",
  [SPACE_ID_PATTERN]: "the id of a space (a-z or 0-9, then up to 62 of a-z, 0-9, ., _ and -)",
  [STAMP_PATTERN]: "an instant YYYY-MM-DDTHH:MM:SS[.f]Z with at most 6 fractional digits",
};

const count = (limit: number, noun: string): string => `${limit} ${noun}${limit === 1 ? "" : "s"}`;

/** The rule that an error is about, to come after the field's name. */
export const ruleInWords = (error: TValidationError): string => {
  switch (error.keyword) {
    case "required":
      return "is required";
    case "type": {
      const types = [error.params.type].flat();
      return `must be ${types.map((type) => typeNames[type] ?? type).join(" or ")}`;
    }
    case "enum":
      return `must be one of ${error.params.allowedValues.join(", ")}`;
    case "const":
      return `must be ${JSON.stringify(error.params.allowedValue)}`;
    case "pattern":
      return `must be ${patternNames[String(error.params.pattern)] ?? `of the form ${String(error.params.pattern)}`}`;
    case "minimum":
      return `must be at least ${error.params.limit}`;
    case "maximum":
      return `must be at most ${error.params.limit}`;
    case "minLength":
      return error.params.limit === 1
        ? "must not be empty"
        : `must have at least ${count(error.params.limit, "character")}`;
    case "maxLength":
      return `must have at most ${count(error.params.limit, "character")}`;
    case "minItems":
      return error.params.limit === 1
        ? "must not be empty"
        : `must have at least ${count(error.params.limit, "item")}`;
    case "maxItems":
      return `must have at most ${count(error.params.limit, "item")}`;
    case "anyOf":
      return "fits none of the forms that are allowed";
    case "not":
      return "is of a form that is not allowed";
    case "~refine":
      return error.params.message;
    default:
      return "breaks the schema";
  }
};
