import Type from "typebox";
import type { MessageOf } from "../message-of.ts";
import { digestSchema } from "./digest.ts";
import { cursorField, nowField } from "./field.ts";
import { recordSchema } from "./record.ts";
import { moreSchema, resetSchema } from "./sync-answer.ts";

const members = () => ({
  cursor: cursorField(),
  more: moreSchema,
  reset: Type.Optional(resetSchema),
  changes: Type.Array(recordSchema, { description: "What the client lacks, by seq." }),
  digest: Type.Optional(digestSchema),
});

const record = {
  collection: "readings",
  key: "04012345678901",
  seq: 4711,
  updated_at: "2026-11-24T10:00:00Z",
  value: { expiration_date: "2026-12-01" },
};

const digest = { at: 4711, collections: { readings: { count: 812, sum: "9f3c5a0e1b2d4c68" } } };

/** The answer to `GET /v2/spaces/{space}/changes` as JSON. */
export const pullAnswerSchema = Type.Object(
  { ...members(), now: nowField() },
  {
    title: "Pull answer",
    description: "One page. `digest` stands where `more` is false.",
    examples: [
      {
        cursor: "c1.k7f2m9.4711.-.readings",
        more: false,
        now: "2026-11-24T10:01:02.123456Z",
        changes: [record],
        digest,
      },
    ],
  },
);

export type WirePullAnswer = MessageOf<typeof pullAnswerSchema>;

/**
 * The data of one event of the same as `text/event-stream`: one page. It has no `now`, for a stream
 * is no measure of a clock, and its bytes are the same for all who stand at the same place.
 */
export const streamEventSchema = Type.Object(members(), {
  title: "Stream event",
  description:
    "The data of one event, whose id is `cursor`. An event that ends a catch-up, and one that an idle stream sends, carries `digest`.",
  examples: [{ cursor: "c1.k7f2m9.4711.-.readings", more: false, changes: [record], digest }],
});

export type StreamEvent = MessageOf<typeof streamEventSchema>;
