import type { SpaceId } from "@synchro/core";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Action, Authorize } from "../service/authorize.ts";
import { denialOfDecision } from "../service/denial.ts";
import { credentialsOf, refuseUnknown } from "./credentials.ts";
import { sendDenial } from "./problem.ts";

/** A caller that may do what it asked for; asked again as long as a stream is open. */
export type Admission = {
  readonly subject: string | null;
  readonly mayStillRead: () => Promise<boolean>;
};

/** Asks the one authorisation function; null: the refusal was answered. A space that the caller may not see is one that does not exist. */
export const admit = async (
  authorize: Authorize,
  request: FastifyRequest,
  reply: FastifyReply,
  wish: { readonly space: SpaceId; readonly action: Action },
): Promise<Admission | null> => {
  const credentials = credentialsOf(request);
  const decision = await authorize(credentials, wish.space, wish.action);
  if (decision.kind === "allowed") {
    return {
      subject: decision.subject,
      mayStillRead: async () =>
        (await authorize(credentials, wish.space, "read")).kind === "allowed",
    };
  }
  if (decision.kind === "unauthorized") refuseUnknown(request, reply);
  else sendDenial(reply, denialOfDecision(decision, wish));
  return null;
};
