import { isSpaceId, type SpaceId } from "@synchro/core";
import type { FastifyReply, FastifyRequest } from "fastify";
import { type Admission, admit } from "../../http/admit.ts";
import { sendProblem } from "../../http/problem.ts";
import type { Action } from "../../service/authorize.ts";
import type { Services } from "../../service/services.ts";

export type InSpace = { readonly space: SpaceId; readonly admission: Admission };

/** The space of the path, if the caller may do there what it wants; null: the refusal was answered. */
export const enterSpace = async (
  services: Services,
  request: FastifyRequest,
  reply: FastifyReply,
  action: Action,
): Promise<InSpace | null> => {
  const { space } = request.params as { readonly space: string };
  if (!isSpaceId(space)) {
    sendProblem(reply, "not_found", "a space's id is [a-z0-9][a-z0-9._-]{0,62}");
    return null;
  }
  const admission = await admit(services.authorize, request, reply, { space, action });
  return admission === null ? null : { space, admission };
};
