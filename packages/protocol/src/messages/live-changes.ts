import Type from "typebox";
import type { MessageOf } from "../message-of.ts";
import { frameTypeField } from "./live-field.ts";
import { streamEventSchema } from "./pull-answer.ts";
import { spaceIdField } from "./space-entry.ts";

/**
 * One page of a space, as a stream's event has it. No id of a subscription is in it: its bytes are
 * the same for all who follow the space at the same place.
 */
export const liveChangesSchema = Type.Object(
  { type: frameTypeField("changes"), space: spaceIdField(), ...streamEventSchema.properties },
  {
    title: "changes",
    description:
      "One page of a space, as an event of a stream has it. A frame that ends a catch-up, and one that an idle subscription sends, carries `digest`.",
    examples: [
      {
        type: "changes",
        space: "shop-1",
        cursor: "c1.k7f2m9.4711.-.readings",
        more: false,
        changes: [
          {
            collection: "readings",
            key: "04012345678901",
            seq: 4711,
            updated_at: "2026-11-24T10:00:00Z",
            value: { expiration_date: "2026-12-01" },
          },
        ],
        digest: { at: 4711, collections: { readings: { count: 812, sum: "9f3c5a0e1b2d4c68" } } },
      },
    ],
  },
);

export type LiveChanges = MessageOf<typeof liveChangesSchema>;
