import type { FastifyReply } from "fastify";
import { sendProblem } from "../../http/problem.ts";

/** Answers for what there is only where there are tokens. Spec: DEVICE-10. */
export const refuseOpenMode = (reply: FastifyReply): FastifyReply =>
  sendProblem(
    reply,
    "not_found",
    "this server is in open mode: whoever reaches it needs no token, so there are no invitations and no devices",
  );
