import Type from "typebox";
import type { MessageOf } from "../message-of.ts";
import { frameTypeField } from "./live-field.ts";
import { spaceIdField } from "./space-entry.ts";

/** Follow a space no more. */
export const liveUnsubscribeSchema = Type.Object(
  { type: frameTypeField("unsubscribe"), space: spaceIdField() },
  {
    title: "unsubscribe",
    description:
      "Follow a space no more. Nothing answers it; `changes` that were on their way may still come. A space that is not followed is no error.",
    examples: [{ type: "unsubscribe", space: "shop-1" }],
  },
);

export type LiveUnsubscribe = MessageOf<typeof liveUnsubscribeSchema>;
