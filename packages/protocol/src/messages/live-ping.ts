import Type from "typebox";
import type { MessageOf } from "../message-of.ts";
import { frameTypeField } from "./live-field.ts";

/** Is the connection alive? For those who can't send a ping of the WebSocket protocol: browsers. */
export const livePingSchema = Type.Object(
  { type: frameTypeField("ping") },
  {
    title: "ping",
    description: "Is anybody there? Answered with `pong`, after what was sent before it.",
    examples: [{ type: "ping" }],
  },
);

export type LivePing = MessageOf<typeof livePingSchema>;
