import Type from "typebox";
import type { Limits } from "../limits.ts";
import type { MessageOf } from "../message-of.ts";
import { frameIdField, frameTypeField } from "./live-field.ts";
import { syncRequestFields } from "./sync-request.ts";
import { spaceIdField } from "./space-entry.ts";

/** Follow a space from where the client stands. */
export const createLiveSubscribeSchema = (limits: Limits) => {
  const { cursor, ack, collections, limit, tombstones } = syncRequestFields(limits, Type.Unknown());
  return Type.Object(
    {
      type: frameTypeField("subscribe"),
      id: frameIdField(limits),
      space: spaceIdField(),
      cursor,
      ack,
      collections,
      limit,
      tombstones,
    },
    {
      title: "subscribe",
      description:
        "Follow a space from where the client stands: `subscribed`, then `changes` page by page, then each change as it is committed. A connection follows a space once: another `subscribe` to it takes the place of the one before.",
      examples: [
        {
          type: "subscribe",
          id: "1",
          space: "shop-1",
          cursor: "c1.k7f2m9.4700.-.readings",
          ack: "a1.k7f2m9.4690",
          collections: ["readings"],
        },
      ],
    },
  );
};

export type LiveSubscribe = MessageOf<ReturnType<typeof createLiveSubscribeSchema>>;
