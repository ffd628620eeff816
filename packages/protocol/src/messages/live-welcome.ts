import Type from "typebox";
import type { MessageOf } from "../message-of.ts";
import { countField, nowField } from "./field.ts";
import { frameTypeField } from "./live-field.ts";

/** The caller is known: the answer to `hello`, and to each `token`. */
export const liveWelcomeSchema = Type.Object(
  {
    type: frameTypeField("welcome"),
    now: nowField(),
    frame_bytes_max: countField({
      description: "Bytes of a frame that the server takes; a larger one ends the connection.",
      examples: [4_194_304],
    }),
    subscriptions_max: countField({
      description: "Spaces that this connection may follow at a time.",
      examples: [100],
    }),
  },
  {
    title: "welcome",
    description: "The caller is known: the answer to `hello`, and to each `token`.",
    examples: [
      {
        type: "welcome",
        now: "2026-11-24T10:01:02.123456Z",
        frame_bytes_max: 4_194_304,
        subscriptions_max: 100,
      },
    ],
  },
);

export type LiveWelcome = MessageOf<typeof liveWelcomeSchema>;
