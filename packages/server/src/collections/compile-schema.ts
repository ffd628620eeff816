import type { JsonObject } from "@synchro/core";
import { Ajv2020, type AnySchema } from "ajv/dist/2020.js";
import type { Collection } from "./collection.ts";
import { dateFormats } from "./date-formats.ts";
import { mostTelling, valueFaultOf } from "./value-fault.ts";

const DRAFT = "https://json-schema.org/draft/2020-12/schema";

export type CompiledSchema =
  | { readonly kind: "compiled"; readonly validate: Collection["validate"] }
  | { readonly kind: "refused"; readonly reason: string };

const createAjv = (): Ajv2020 =>
  new Ajv2020({
    // A keyword that would be ignored is a mistake in the schema: better told at the start.
    strict: true,
    strictRequired: false,
    allowUnionTypes: true,
    // One fault is enough to refuse a value; looking for all of them costs what the client likes.
    allErrors: false,
    // A value is kept as it was sent: nothing is coerced, filled in or removed.
    coerceTypes: false,
    useDefaults: false,
    removeAdditional: false,
    formats: dateFormats,
    logger: false,
  });

const compile = (schema: { readonly [keyword: string]: unknown }): Collection["validate"] => {
  // An instance a schema: one schema's `$id` is not another's business.
  const validate = createAjv().compile(schema as AnySchema);
  return (value: JsonObject) => {
    if (validate(value) === true) return [];
    const error = mostTelling(validate.errors ?? []);
    return [
      error === undefined ? { path: "", message: "value does not fit" } : valueFaultOf(error),
    ];
  };
};

/**
 * Compiles a JSON Schema, draft 2020-12. Refused, with the reason in one line: a schema that the
 * draft does not allow, keywords and formats that nothing here would check, references that leave
 * the schema, and asynchronous schemas.
 *
 * The schema comes from the operator, the values from clients: a `pattern` that backtracks
 * catastrophically lets a client stop the process, and nothing here can tell.
 */
export const compileSchema = (schema: { readonly [keyword: string]: unknown }): CompiledSchema => {
  if ("$async" in schema) return { kind: "refused", reason: "$async is not supported" };
  if (schema["$schema"] !== undefined && schema["$schema"] !== DRAFT) {
    return { kind: "refused", reason: `$schema must be ${DRAFT}, or absent` };
  }
  try {
    return { kind: "compiled", validate: compile(schema) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { kind: "refused", reason: reason.replaceAll(/\s+/g, " ") };
  }
};
