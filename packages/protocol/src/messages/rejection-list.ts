import Type from "typebox";
import type { MessageOf } from "../message-of.ts";
import { rejectionSchema } from "./change-result.ts";
import { stampField } from "./field.ts";

/** Changes that were refused, the newest first. */
export const rejectionListSchema = Type.Object(
  {
    rejections: Type.Array(
      Type.Object(
        {
          rejected: rejectionSchema,
          change: Type.Optional(
            Type.Unknown({ description: "The change as it came; absent if it was too large." }),
          ),
          client_id: Type.Unsafe<string | null>({
            type: ["string", "null"],
            description: "The client that sent it.",
          }),
          kept_at: stampField({ description: "When it was refused, by the server's clock." }),
        },
        { title: "Kept rejection" },
      ),
    ),
  },
  {
    title: "Rejection list",
    description: "Changes that were refused, the newest first.",
    examples: [
      {
        rejections: [
          {
            rejected: {
              code: "schema_mismatch",
              message: "expiration_date is required",
              path: "/value/expiration_date",
            },
            change: {
              collection: "readings",
              key: "04012345678901",
              updated_at: "2026-11-24T10:00:00Z",
              value: {},
            },
            client_id: "c_01J9ZK2V",
            kept_at: "2026-11-24T10:01:02.123456Z",
          },
        ],
      },
    ],
  },
);

export type WireRejectionList = MessageOf<typeof rejectionListSchema>;
