import type { SpaceId } from "@synchro/core";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Action, Authorize } from "../service/authorize.ts";
import { credentialsOf, refuseUnavailable, refuseUnknown } from "./credentials.ts";
import { sendProblem } from "./problem.ts";

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
  switch (decision.kind) {
    case "allowed":
      return {
        subject: decision.subject,
        mayStillRead: async () =>
          (await authorize(credentials, wish.space, "read")).kind === "allowed",
      };
    case "unauthorized":
      refuseUnknown(request, reply);
      return null;
    case "forbidden":
      sendProblem(reply, "forbidden", `this token may not ${wish.action} in ${wish.space}`);
      return null;
    case "unavailable":
      refuseUnavailable(reply);
      return null;
    case "hidden":
      sendProblem(reply, "not_found", "there is no such space");
      return null;
  }
};
