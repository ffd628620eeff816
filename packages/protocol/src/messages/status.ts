import Type from "typebox";
import type { Limits } from "../limits.ts";
import type { MessageOf } from "../message-of.ts";
import { countField, labelField, nullableStampField } from "./field.ts";

/** How a client's store is doing, for whoever watches over many of them. Nothing depends on it. */
export const createStatusSchema = (limits: Limits) =>
  Type.Object(
    {
      pending: Type.Optional(countField({ description: "Changes in the outbox." })),
      rejected: Type.Optional(countField({ description: "Changes among the dead letters." })),
      oldest_pending_at: Type.Optional(
        nullableStampField({
          description: "When the oldest change of the outbox was made; null if it is empty.",
          examples: ["2026-11-24T09:12:00Z"],
        }),
      ),
      clock_offset_ms: Type.Optional(
        Type.Number({ description: "The server's clock less the client's, in milliseconds." }),
      ),
      app_version: Type.Optional(labelField(limits.labelLengthMax, { examples: ["1.4.0"] })),
      storage: Type.Optional(
        labelField(limits.labelLengthMax, {
          description: "What the platform promises for the store.",
          examples: ["persistent", "best-effort"],
        }),
      ),
    },
    {
      title: "Status",
      description: "How the client's store is doing. For those who watch; nothing depends on it.",
      examples: [
        {
          pending: 2,
          rejected: 0,
          oldest_pending_at: "2026-11-24T09:12:00Z",
          clock_offset_ms: -1200,
          app_version: "1.4.0",
          storage: "persistent",
        },
      ],
    },
  );

export type Status = MessageOf<ReturnType<typeof createStatusSchema>>;
