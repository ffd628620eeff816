import type { JsonObject } from "@synchro/core";
import { INSTANT_FORMAT } from "@synchro/protocol/instant-format";

/** How a field's values compare: as the instants that their texts name, or as what they are. */
export type FieldKind = "plain" | "instant";

export type FieldKinds = (field: string) => FieldKind;

type DeclaredFields = { readonly [name: string]: { readonly schema: JsonObject } };

/** The kinds of a collection's declared fields; what is not declared is plain. */
export const fieldKindsOf =
  (fields: DeclaredFields): FieldKinds =>
  (field) =>
    Object.hasOwn(fields, field) && fields[field]?.schema["format"] === INSTANT_FORMAT
      ? "instant"
      : "plain";
