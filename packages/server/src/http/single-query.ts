import type { FieldError } from "@synchro/protocol";
import type { FastifyRequest } from "fastify";

/** The parameters of a query, each once; or the first that stands more than once, as a `bad_request` names it. */
export type SingleQuery =
  | { readonly kind: "single"; readonly values: { readonly [name: string]: string } }
  | { readonly kind: "repeated"; readonly error: FieldError };

/**
 * Reads a query string in which no parameter may repeat: of two values one program takes the first
 * and another the last, so neither is taken.
 */
export const singleQuery = (request: FastifyRequest): SingleQuery => {
  const query = request.query as { readonly [name: string]: string | readonly string[] };
  // No prototype: a parameter may have any name.
  const values: { [name: string]: string } = Object.create(null);
  for (const [name, value] of Object.entries(query)) {
    if (typeof value !== "string") {
      const path = `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
      return {
        kind: "repeated",
        error: { path, message: `${name} must not stand more than once` },
      };
    }
    values[name] = value;
  }
  return { kind: "single", values };
};
