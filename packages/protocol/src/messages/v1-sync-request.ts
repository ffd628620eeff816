import Type from "typebox";
import type { Limits } from "../limits.ts";
import type { MessageOf } from "../message-of.ts";
import { instantField, keyField, nullableInstantField, nullableTokenField } from "./field.ts";

const recordSchema = Type.Object(
  {
    gtin: keyField({ description: "The product's number, as is.", examples: ["test_4"] }),
    updated_at: instantField({
      description: "When the record was edited.",
      examples: ["2021-11-12T01:11:00"],
    }),
    expiration_date: instantField({
      description: "Kept as sent.",
      examples: ["2022-05-01T01:11:00"],
    }),
  },
  { title: "Sent reading" },
);

/** The body of `POST /v1/sync/`. One malformed field refuses it whole. */
export const createV1SyncRequestSchema = (limits: Limits) =>
  Type.Object(
    {
      last_sync_date: Type.Optional(
        nullableInstantField({
          description:
            "Return what was updated after this instant. It may be left out only beside a `cursor`.",
        }),
      ),
      cursor: Type.Optional(
        nullableTokenField(limits.cursorLengthMax, {
          description:
            'The cursor of an earlier answer, or `""` for all; it then decides what is returned instead of the date, late arrivals included.',
        }),
      ),
      newly_created_records: Type.Optional(
        Type.Array(recordSchema, {
          maxItems: limits.changesMax,
          description: "Records to store, applied in order; the same gtin may stand twice.",
        }),
      ),
    },
    {
      title: "v1 sync request",
      anyOf: [{ required: ["last_sync_date"] }, { required: ["cursor"] }],
      examples: [
        {
          last_sync_date: "2021-10-10T10:40:10",
          newly_created_records: [
            {
              gtin: "test_4",
              updated_at: "2021-11-12T01:11:00",
              expiration_date: "2022-05-01T01:11:00",
            },
          ],
        },
      ],
    },
  );

export type V1SyncRequest = MessageOf<ReturnType<typeof createV1SyncRequestSchema>>;
