import { COLLECTION_NAME_PATTERN } from "@synchro/core";
import Type from "typebox";
import type { MessageOf } from "../message-of.ts";
import { countField } from "./field.ts";

const SUM_PATTERN = "^[0-9a-f]{16}$";

const collectionDigestSchema = Type.Object({
  count: countField({ description: "Live records." }),
  sum: Type.String({
    pattern: SUM_PATTERN,
    description:
      "The sum mod 2^64 of the first 8 bytes, big-endian, of SHA-256 of UTF-8 `collection`, 00, `key`, 00, `seq` in decimal.",
    examples: ["9f3c5a0e1b2d4c68"],
  }),
});

/** What a client holds that has applied everything up to `at`. */
export const digestSchema = Type.Object(
  {
    at: countField({ description: "The head of the answer's snapshot.", examples: [4711] }),
    collections: Type.Record(
      Type.String({ pattern: COLLECTION_NAME_PATTERN }),
      collectionDigestSchema,
      { description: "By collection; empty ones are listed." },
    ),
  },
  {
    title: "Digest",
    description:
      "What the live records come to, tombstones and outbox aside. A client compares it only from the answer just applied, and only if it holds nothing of the collection above `at`.",
    examples: [{ at: 4711, collections: { readings: { count: 812, sum: "9f3c5a0e1b2d4c68" } } }],
  },
);

export type WireDigest = MessageOf<typeof digestSchema>;
