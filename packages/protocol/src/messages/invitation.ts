import Type from "typebox";
import type { MessageOf } from "../message-of.ts";
import { stampField } from "./field.ts";
import { levelField, titleField } from "./space-entry.ts";

/** Seconds that a code lasts where the invitation says nothing. */
export const INVITATION_SECONDS = 15 * 60;
export const INVITATION_SECONDS_MAX = 30 * 86_400;
/** Devices that one code lets in at most. */
export const INVITATION_USES_MAX = 1_000;

/** Asks for a code that lets devices into a space. */
export const invitationRequestSchema = Type.Object(
  {
    level: levelField("What the devices may do in the space."),
    label: Type.Optional(titleField({ description: "What people call it.", minLength: 0 })),
    expires_in_s: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: INVITATION_SECONDS_MAX,
        default: INVITATION_SECONDS,
        description: "Seconds that the code lasts.",
      }),
    ),
    uses: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: INVITATION_USES_MAX,
        default: 1,
        description: "Devices that the code lets in.",
      }),
    ),
  },
  {
    title: "Invitation request",
    description: "Asks for a code that lets devices into a space.",
    examples: [{ level: "write", label: "handhelds", expires_in_s: 900, uses: 1 }],
  },
);

export type InvitationRequest = MessageOf<typeof invitationRequestSchema>;

/** A code, shown this once. */
export const invitationSchema = Type.Object(
  {
    code: Type.String({
      description:
        "12 characters in groups of 4, to be typed or scanned. Shown this once: the server keeps its hash only.",
    }),
    expires_at: stampField({ description: "From when on the code lets nobody in any more." }),
    join_url: Type.Optional(
      Type.String({
        description:
          "What a QR code holds: the server's public address with the code behind `#join=`. Absent where the address is not known.",
      }),
    ),
  },
  {
    title: "Invitation",
    description: "A code that lets devices into a space.",
    examples: [
      {
        code: "7KQ4-M2XD-9RTA",
        expires_at: "2026-11-24T10:15:00Z",
        join_url: "https://sync.example/#join=7KQ4-M2XD-9RTA",
      },
    ],
  },
);

export type WireInvitation = MessageOf<typeof invitationSchema>;
