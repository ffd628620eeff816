import Type from "typebox";
import type { MessageOf } from "../message-of.ts";
import { recordSchema } from "./record.ts";

/** The versions that a record had while its collection declared history, the newest first. */
export const historyListSchema = Type.Object(
  {
    versions: Type.Array(recordSchema, {
      description: "To read on, ask for what is below the last one's seq, until the list is empty.",
    }),
  },
  {
    title: "History list",
    description: "The versions of one record, the newest first.",
    examples: [
      {
        versions: [
          {
            collection: "readings",
            key: "04012345678901",
            seq: 4711,
            updated_at: "2026-11-24T10:00:00Z",
            deleted: true,
          },
          {
            collection: "readings",
            key: "04012345678901",
            seq: 4600,
            updated_at: "2026-11-20T08:00:00Z",
            value: { expiration_date: "2026-12-01" },
          },
        ],
      },
    ],
  },
);

export type WireHistoryList = MessageOf<typeof historyListSchema>;
