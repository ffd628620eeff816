import Type from "typebox";
import type { Limits } from "../limits.ts";
import type { MessageOf } from "../message-of.ts";
import { frameIdField, frameTypeField } from "./live-field.ts";
import { spaceIdField } from "./space-entry.ts";

/** From here on the `changes` of the space are those of this subscription. */
export const createLiveSubscribedSchema = (limits: Limits) =>
  Type.Object(
    { type: frameTypeField("subscribed"), id: frameIdField(limits), space: spaceIdField() },
    {
      title: "subscribed",
      description:
        "A subscription begins: every `changes` of its space after this frame is its own, every one before is of an older one.",
      examples: [{ type: "subscribed", id: "1", space: "shop-1" }],
    },
  );

export type LiveSubscribed = MessageOf<ReturnType<typeof createLiveSubscribedSchema>>;
