import Type from "typebox";
import type { MessageOf } from "../message-of.ts";
import { stampField } from "./field.ts";

/** Code points of a token's id. */
const TOKEN_ID_LENGTH_MAX = 128;

/** Takes one token back before its time. */
export const revocationSchema = Type.Object(
  {
    token_id: Type.String({
      minLength: 1,
      maxLength: TOKEN_ID_LENGTH_MAX,
      description: "The token's id, its claim `jti`.",
    }),
    expires_at: stampField({
      description: "When the token ends by itself; then nobody needs to remember it any more.",
    }),
  },
  {
    title: "Revocation",
    description: "Takes one token back before its time.",
    examples: [{ token_id: "t_0123456789abcdef0123", expires_at: "2026-12-24T10:00:00Z" }],
  },
);

export type Revocation = MessageOf<typeof revocationSchema>;
