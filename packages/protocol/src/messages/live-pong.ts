import Type from "typebox";
import type { MessageOf } from "../message-of.ts";
import { frameTypeField } from "./live-field.ts";

/** The answer to a `ping`. */
export const livePongSchema = Type.Object(
  { type: frameTypeField("pong") },
  { title: "pong", description: "The answer to a `ping`.", examples: [{ type: "pong" }] },
);

export type LivePong = MessageOf<typeof livePongSchema>;
