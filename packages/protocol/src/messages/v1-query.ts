import { SPACE_ID_PATTERN } from "@synchro/core";
import Type from "typebox";
import type { MessageOf } from "../message-of.ts";

/** The query of every route of `/v1`. */
export const v1QuerySchema = Type.Object(
  {
    shop: Type.Optional(
      Type.String({
        pattern: SPACE_ID_PATTERN,
        description:
          "The space; absent: the token's only one. In open mode it may be left out for `default`.",
        examples: ["default"],
      }),
    ),
  },
  { title: "v1 query" },
);

export type V1Query = MessageOf<typeof v1QuerySchema>;
