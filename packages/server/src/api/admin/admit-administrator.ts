import { isSpaceId, type SpaceId } from "@synchro/core";
import type { FastifyReply, FastifyRequest } from "fastify";
import { EVERY_SPACE, includesLevel, type Level } from "../../access/grants.ts";
import type { Actor } from "../../control/control-store.ts";
import { admit } from "../../http/admit.ts";
import { credentialsOf, refuseIdentity } from "../../http/credentials.ts";
import { sendProblem } from "../../http/problem.ts";
import type { Principal } from "../../service/authorize.ts";
import type { AdminDeps } from "./admin-deps.ts";

/** How the log names who does something in open mode. */
const ANYBODY = "anybody";

export const actorOf = (deps: AdminDeps, subject: string | null): Actor => ({
  actor: subject ?? ANYBODY,
  now: deps.runtime.now(),
});

/** Who asks; null: the refusal was answered. */
export const identifyCaller = async (
  deps: AdminDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<Principal | null> => {
  // The request was counted where it came in.
  const identity = await deps.identify(credentialsOf(request), { counts: false });
  if (identity.kind === "known") return identity.principal;
  refuseIdentity(request, reply, identity);
  return null;
};

/** Who administers every space; null: the refusal was answered. Spec: SPACE-6. */
export const admitOperator = async (
  deps: AdminDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<Actor | null> => {
  const principal = await identifyCaller(deps, request, reply);
  if (principal === null) return null;
  const held: Level | undefined = principal.grants.get(EVERY_SPACE);
  if (held !== undefined && includesLevel(held, "admin")) return actorOf(deps, principal.subject);
  sendProblem(reply, "forbidden", "this needs a token with admin of every space (*)");
  return null;
};

/** Who administers a space; null: the refusal was answered. Spec: SPACE-6. */
export const admitToSpace = async (
  deps: AdminDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  space: SpaceId,
): Promise<Actor | null> => {
  const admission = await admit(deps.authorize, request, reply, { space, action: "admin" });
  return admission === null ? null : actorOf(deps, admission.subject);
};

/** The space of the path and who administers it; null: the refusal was answered. */
export const enterSpace = async (
  deps: AdminDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<{ readonly space: SpaceId; readonly by: Actor } | null> => {
  const { space } = request.params as { readonly space: string };
  if (!isSpaceId(space)) {
    sendProblem(reply, "not_found", "a space's id is [a-z0-9][a-z0-9._-]{0,62}");
    return null;
  }
  const by = await admitToSpace(deps, request, reply, space);
  return by === null ? null : { space, by };
};
