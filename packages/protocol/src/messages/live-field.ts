import Type from "typebox";
import type { Limits } from "../limits.ts";
import { labelField } from "./field.ts";

/** What names a frame of a live connection: each has one of its own. */
export const frameTypeField = <Name extends string>(name: Name) =>
  Type.Literal(name, { description: "Which frame this is." });

/** What a client calls a subscription or a push of its own: the answers to it say the same. */
export const frameIdField = (limits: Limits) =>
  labelField(limits.labelLengthMax, {
    description:
      "Chosen by the client, for one subscription or push of this connection: the answers to it bring it back.",
    examples: ["7"],
  });

/** Characters of a token at most. */
const TOKEN_LENGTH_MAX = 8 * 1024;

export const liveTokenField = () =>
  Type.String({
    minLength: 1,
    maxLength: TOKEN_LENGTH_MAX,
    description: "The token that vouches for the caller, as in `Authorization: Bearer TOKEN`.",
    examples: ["eyJhbGciOiJFZERTQSIsImtpZCI6ImsxIn0.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl"],
  });
