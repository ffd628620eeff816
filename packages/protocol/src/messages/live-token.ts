import Type from "typebox";
import type { MessageOf } from "../message-of.ts";
import { frameTypeField, liveTokenField } from "./live-field.ts";

/** A new token in place of the last: nothing that is open is interrupted. */
export const liveTokenSchema = Type.Object(
  { type: frameTypeField("token"), token: liveTokenField() },
  {
    title: "token",
    description:
      "From now on this token vouches for the caller. Answered with `welcome`. A token that is none leaves the last one standing, and is answered with `error`.",
    examples: [{ type: "token", token: "eyJ…" }],
  },
);

export type LiveToken = MessageOf<typeof liveTokenSchema>;
