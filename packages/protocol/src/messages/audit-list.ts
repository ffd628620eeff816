import Type from "typebox";
import type { MessageOf } from "../message-of.ts";
import { countField, stampField } from "./field.ts";

/** What was done by whom, the newest first. */
export const auditListSchema = Type.Object(
  {
    entries: Type.Array(
      Type.Object({
        number: countField({ description: "Its place in the log; the next page is `before` it." }),
        at: stampField({ description: "When, by the clock of the machine that did it." }),
        actor: Type.String({
          description:
            "Who: a token's subject, a device, `cli:USER@HOST`, or `anybody` in open mode.",
        }),
        action: Type.String({ examples: ["space.create"] }),
        target: Type.String({ description: "The space, device, token or invitation concerned." }),
        space: Type.Unsafe<string | null>({
          type: ["string", "null"],
          description: "The space that this concerns alone; null: several, or none.",
        }),
        detail: Type.Unsafe<{ readonly [name: string]: string | number | boolean | null }>({
          type: "object",
          additionalProperties: { type: ["string", "number", "boolean", "null"] },
          description: "What else is to be known. No secret and no code ever stands here.",
        }),
      }),
    ),
  },
  {
    title: "Audit list",
    description: "What was done by whom, the newest first.",
    examples: [
      {
        entries: [
          {
            number: 17,
            at: "2026-11-24T10:00:00Z",
            actor: "cli:ann@desk",
            action: "space.create",
            target: "shop-1",
            space: "shop-1",
            detail: { title: "Malmö", records_max: null },
          },
        ],
      },
    ],
  },
);

export type WireAuditList = MessageOf<typeof auditListSchema>;
