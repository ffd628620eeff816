import Type from "typebox";
import { problems } from "../error-code.ts";
import type { Limits } from "../limits.ts";
import type { MessageOf } from "../message-of.ts";
import { countField } from "./field.ts";
import { frameIdField, frameTypeField } from "./live-field.ts";
import { problemSchema } from "./problem.ts";

/** What went wrong with a subscription, a push or the connection as a whole. */
export const createLiveErrorSchema = (limits: Limits) =>
  Type.Object(
    {
      type: frameTypeField("error"),
      id: Type.Optional(frameIdField(limits)),
      retry_after_ms: Type.Optional(
        countField({
          description: "Milliseconds to wait before trying again; drawn for each client by itself.",
          examples: [7_312],
        }),
      ),
      problem: problemSchema,
    },
    {
      title: "error",
      description:
        "With `id`: that subscription has ended, or nothing of that push was applied; all else goes on. Without: it is about the connection, or a frame that names no `id`; where it ends the connection, the close follows it at once, with 4000 and the problem's status as its code (1001 where the server stops).",
      examples: [
        {
          type: "error",
          id: "1",
          problem: {
            type: "urn:synchro:error:not_found",
            title: problems.not_found.title,
            status: 404,
            code: "not_found",
            detail: "there is no such space",
          },
        },
      ],
    },
  );

export type LiveError = MessageOf<ReturnType<typeof createLiveErrorSchema>>;
