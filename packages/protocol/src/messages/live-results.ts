import Type from "typebox";
import type { Limits } from "../limits.ts";
import type { MessageOf } from "../message-of.ts";
import { frameIdField, frameTypeField } from "./live-field.ts";
import { syncAnswerSchema } from "./sync-answer.ts";

/** The answer to a push: that of a sync request with `"pull": false`. */
export const createLiveResultsSchema = (limits: Limits) => {
  const { ack, now, results, changes } = syncAnswerSchema.properties;
  return Type.Object(
    { type: frameTypeField("results"), id: frameIdField(limits), ack, now, results, changes },
    {
      title: "results",
      description:
        'The answer to the push of this `id`: that of a sync request with `"pull": false`. `changes` holds the records that beat a change. Every change answered and not rejected is durable.',
      examples: [
        {
          type: "results",
          id: "2",
          ack: "a1.k7f2m9.4711",
          now: "2026-11-24T10:01:02.123456Z",
          results: [{ seq: 4711 }],
          changes: [],
        },
      ],
    },
  );
};

export type LiveResults = MessageOf<ReturnType<typeof createLiveResultsSchema>>;
