import { formatStamp } from "@synchro/core";
import {
  createChecker,
  INVITATION_SECONDS,
  invitationRequestSchema,
  invitationSchema,
  problemSchema,
} from "@synchro/protocol";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { isKnownSpace } from "../../control/known-spaces.ts";
import { joinUrl, makeInvitation } from "../../control/make-invitation.ts";
import { sendProblem } from "../../http/problem.ts";
import type { AdminDeps } from "./admin-deps.ts";
import { enterSpace } from "./admit-administrator.ts";
import { readBody } from "./read-request.ts";
import { refuseOpenMode } from "./refuse-open-mode.ts";
import { sendJson } from "./send-json.ts";

const check = createChecker(invitationRequestSchema);

const answerInvitation = async (
  deps: AdminDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> => {
  if (deps.mintDeviceToken === null) return refuseOpenMode(reply);
  const entered = await enterSpace(deps, request, reply);
  if (entered === null) return reply;
  const wish = readBody(check, deps.limits, request, reply);
  if (wish === null) return reply;
  const { space, by } = entered;
  if (!(await isKnownSpace(deps, space))) {
    return sendProblem(reply, "not_found", "there is no such space: make it first");
  }
  const { code, expiresAt } = await makeInvitation(deps, {
    grants: new Map([[space, wish.level]]),
    label: wish.label ?? "",
    lastsS: wish.expires_in_s ?? INVITATION_SECONDS,
    uses: wish.uses ?? 1,
    actor: by.actor,
  });
  const { publicUrl } = deps;
  return sendJson(reply, 201, {
    code,
    expires_at: formatStamp(expiresAt),
    ...(publicUrl === null ? {} : { join_url: joinUrl(publicUrl, code) }),
  });
};

/** Codes that let devices into a space. Spec: DEVICE-1 to DEVICE-3. */
export const invitationRoutes = (deps: AdminDeps, app: FastifyInstance): void => {
  app.post(
    "/v2/spaces/:space/invitations",
    {
      schema: {
        tags: ["admin"],
        summary: "Invite devices into a space: a code, shown once",
        params: {
          type: "object",
          properties: { space: { type: "string", description: "The space." } },
        },
        body: invitationRequestSchema,
        response: { 201: invitationSchema, "4XX": problemSchema, "5XX": problemSchema },
      },
    },
    (request, reply) => answerInvitation(deps, request, reply),
  );
};
