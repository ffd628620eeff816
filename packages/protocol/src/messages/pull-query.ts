import { COLLECTION_NAME_PATTERN } from "@synchro/core";
import Type from "typebox";
import type { Limits } from "../limits.ts";
import type { MessageOf } from "../message-of.ts";
import { collectionField, countField, limitField, nullableTokenField } from "./field.ts";

const names = COLLECTION_NAME_PATTERN.slice(1, -1);

/** What the query of `GET /v2/spaces/{space}/changes` says, after `readPullQuery` has read it. */
export const createPullQuerySchema = (limits: Limits) =>
  Type.Object({
    cursor: Type.Optional(nullableTokenField(limits.cursorLengthMax)),
    ack: Type.Optional(nullableTokenField(limits.cursorLengthMax)),
    collections: Type.Optional(
      Type.Array(collectionField(), { minItems: 1, maxItems: limits.collectionsMax }),
    ),
    limit: Type.Optional(limitField(limits)),
    wait: Type.Optional(countField()),
    tombstones: Type.Optional(Type.Boolean()),
  });

export type PullQuery = MessageOf<ReturnType<typeof createPullQuerySchema>>;

/** The same as it is documented: each member is one parameter. An empty one counts as absent. */
export const createPullQueryDocumentSchema = (limits: Limits) =>
  Type.Object(
    {
      cursor: Type.Optional(
        Type.String({
          maxLength: limits.cursorLengthMax,
          description:
            "The cursor of the last answer applied; absent: from the beginning. As an event stream the header `Last-Event-ID` beats it.",
        }),
      ),
      ack: Type.Optional(
        Type.String({
          maxLength: limits.cursorLengthMax,
          description: "The ack of the last answer to a push, also without a cursor.",
        }),
      ),
      collections: Type.Optional(
        Type.String({
          pattern: `^${names}(?:,${names})*$`,
          description: "What to answer with, separated by commas; absent: all that are declared.",
          examples: ["readings,batches"],
        }),
      ),
      limit: Type.Optional(limitField(limits)),
      wait: Type.Optional(
        countField({
          description: `Seconds to wait for a matching record where there is none yet, as JSON only; at most ${limits.waitSecondsMax} are waited. The answer always has an advanced cursor.`,
          examples: [30],
        }),
      ),
      tombstones: Type.Optional(
        Type.Boolean({
          description:
            'True in each later request of a run that began with `"reset": "offer"`, until `more` is false.',
        }),
      ),
    },
    { title: "Pull query" },
  );
