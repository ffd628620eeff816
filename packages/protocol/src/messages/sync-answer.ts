import Type from "typebox";
import type { MessageOf } from "../message-of.ts";
import { changeResultSchema } from "./change-result.ts";
import { digestSchema } from "./digest.ts";
import { ackField, cursorField, nowField } from "./field.ts";
import { recordSchema } from "./record.ts";

export const resetSchema = Type.Enum(["offer", "drop"], {
  description:
    "On the first answer of a run only: begin a new generation, forget older acks, and drop what the run did not bring when `more` is false. `offer`: first offer the server what it lacks of what you hold.",
});

export const moreSchema = Type.Boolean({
  description: "True: ask again with this cursor at once.",
});

/** The answer to `POST /v2/spaces/{space}/sync`. */
export const syncAnswerSchema = Type.Object(
  {
    cursor: Type.Optional(cursorField()),
    ack: Type.Optional(ackField()),
    more: Type.Optional(moreSchema),
    reset: Type.Optional(resetSchema),
    now: nowField(),
    results: Type.Array(changeResultSchema, {
      description:
        "Answers to the request's `changes`, one by one and in order; empty where there were none. Where it is shorter, what follows was not judged: send it again.",
    }),
    changes: Type.Array(recordSchema, {
      description:
        "What the client lacks: the records that beat one of its changes, then the page by seq. A record whose seq `results` tells is left out.",
    }),
    digest: Type.Optional(digestSchema),
  },
  {
    title: "Sync answer",
    description:
      'Every change answered and not rejected is durable. `ack` stands where the request had changes; `cursor` and `more` unless it said `"pull": false`; `digest` where `more` is false.',
    examples: [
      {
        cursor: "c1.k7f2m9.4711.-.readings",
        ack: "a1.k7f2m9.4711",
        more: false,
        now: "2026-11-24T10:01:02.123456Z",
        results: [{ seq: 4711 }, { superseded: 4690 }],
        changes: [
          {
            collection: "readings",
            key: "04012345678918",
            seq: 4690,
            updated_at: "2026-11-24T10:02:00Z",
            value: { expiration_date: "2026-12-03" },
          },
        ],
        digest: { at: 4711, collections: { readings: { count: 812, sum: "9f3c5a0e1b2d4c68" } } },
      },
    ],
  },
);

export type WireSyncAnswer = MessageOf<typeof syncAnswerSchema>;
