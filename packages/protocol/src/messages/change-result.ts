import { rejectionCodes } from "@synchro/core";
import Type from "typebox";
import type { MessageOf } from "../message-of.ts";
import { countField, nullableStampField, seqField } from "./field.ts";

/** Why a change was refused; the codes stand in the error catalogue. */
export const rejectionSchema = Type.Object(
  {
    code: Type.Enum(rejectionCodes, {
      description: "Final, all but `stamp_ahead`.",
    }),
    message: Type.String({ description: "One sentence that names the field and the rule." }),
    path: Type.String({
      description: "A JSON pointer (RFC 6901) within the change; empty for the change itself.",
      examples: ["/value/expiration_date"],
    }),
    stored: Type.Optional(
      nullableStampField({
        description: "With `stamp_ahead` only: the stored version's stamp, or null.",
      }),
    ),
  },
  { title: "Rejection" },
);

export type WireRejection = MessageOf<typeof rejectionSchema>;

/** The answer to one change of a request. */
export const changeResultSchema = Type.Union(
  [
    Type.Object(
      {
        seq: countField({
          description:
            "The stored record is exactly this change, under this seq (in collections of the policy `fields`: this call applied the patch whole to the very version that `base` names). It is durable. 0: a delete of what a purge has taken, which settles the change and claims no version.",
          examples: [4711],
        }),
      },
      { title: "Applied" },
    ),
    Type.Object(
      {
        merged: seqField({
          description:
            "In collections of the policy `fields` only: the change is in the record of this seq, beside what others wrote, or was already. `changes` holds the whole record.",
          examples: [4712],
        }),
      },
      { title: "Merged" },
    ),
    Type.Object(
      {
        superseded: seqField({
          description: "The change lost to the record of this seq, which `changes` holds.",
          examples: [4690],
        }),
      },
      { title: "Superseded" },
    ),
    Type.Object({ rejected: rejectionSchema }, { title: "Rejected" }),
  ],
  {
    title: "Result",
    description: "What became of one change.",
    examples: [
      { seq: 4711 },
      { merged: 4712 },
      { superseded: 4690 },
      {
        rejected: {
          code: "schema_mismatch",
          message: "expiration_date is required",
          path: "/value/expiration_date",
        },
      },
    ],
  },
);

export type WireChangeResult = MessageOf<typeof changeResultSchema>;
