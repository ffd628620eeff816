import Type from "typebox";
import type { MessageOf } from "../message-of.ts";
import { keyField, nowField, stampField } from "./field.ts";

/** A record as `/v1` shows it: both dates are instants in UTC. */
const v1RecordSchema = Type.Object(
  {
    gtin: keyField({ description: "The product's number.", examples: ["test_4"] }),
    updated_at: stampField({ examples: ["2021-11-12T01:11:00Z"] }),
    expiration_date: stampField({ examples: ["2022-05-01T01:11:00Z"] }),
  },
  { title: "Reading" },
);

export type V1Record = MessageOf<typeof v1RecordSchema>;

/** The answer to `POST /v1/sync/` and `GET /v1/readings/`. */
export const v1AnswerSchema = Type.Object(
  {
    data: Type.Array(v1RecordSchema, { description: "The newest first, ties by gtin." }),
    now: nowField(),
    cursor: Type.Optional(
      Type.String({
        description:
          'Stands if the request had one, or if the date withheld nothing; `""` in a shop with nothing in it yet.',
      }),
    ),
    reset: Type.Optional(
      Type.Literal(true, { description: "The request's cursor is not valid here: this is all." }),
    ),
  },
  {
    title: "v1 answer",
    examples: [
      {
        data: [
          {
            gtin: "test_4",
            updated_at: "2021-11-12T01:11:00Z",
            expiration_date: "2022-05-01T01:11:00Z",
          },
        ],
        now: "2026-11-24T10:01:02.123456Z",
        cursor: "c1.k7f2m9.4711.-.readings",
      },
    ],
  },
);

export type V1Answer = MessageOf<typeof v1AnswerSchema>;
