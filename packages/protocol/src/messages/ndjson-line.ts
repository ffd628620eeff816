import Type from "typebox";
import type { MessageOf } from "../message-of.ts";
import { digestSchema } from "./digest.ts";
import { cursorField } from "./field.ts";
import { recordSchema } from "./record.ts";
import { moreSchema, resetSchema } from "./sync-answer.ts";

/** One line of the pull as `application/x-ndjson`. */
export const ndjsonLineSchema = Type.Union(
  [
    Type.Object({ reset: resetSchema }, { title: "Reset line" }),
    recordSchema,
    Type.Object(
      { cursor: cursorField(), more: moreSchema, digest: Type.Optional(digestSchema) },
      { title: "Last line" },
    ),
    Type.Object({ cursor: cursorField() }, { title: "Page line", not: { required: ["more"] } }),
  ],
  {
    title: "NDJSON line",
    description:
      'A line `{"reset"}` comes first, if one is due. Records follow; a line `{"cursor"}` ends each page and may be saved with it. Only a line with `more` is the last: an answer without one was cut short. `digest` stands where `more` is false.',
    examples: [
      { cursor: "c1.k7f2m9.4000.4711.readings" },
      {
        cursor: "c1.k7f2m9.4711.-.readings",
        more: false,
        digest: { at: 4711, collections: { readings: { count: 812, sum: "9f3c5a0e1b2d4c68" } } },
      },
    ],
  },
);

export type NdjsonLine = MessageOf<typeof ndjsonLineSchema>;
