import type { FastifyReply } from "fastify";
import type { PushRefusal } from "../service/push.ts";
import { sendProblem } from "./problem.ts";

/** Seconds after which a space may have room again: somebody must delete records or raise the quota. */
const OVER_QUOTA_S = 60;

/** Answers a push of which nothing was applied. Spec: PUSH-22, SPACE-7. */
export const refusePush = (reply: FastifyReply, refusal: PushRefusal): FastifyReply => {
  switch (refusal.kind) {
    case "full":
      return sendProblem(reply, "storage_full", "the server's disk is full: nothing was applied");
    case "over_quota":
      reply.header("retry-after", String(OVER_QUOTA_S));
      return sendProblem(
        reply,
        "quota_exceeded",
        `the space is full: it may hold ${refusal.recordsMax} live records, and nothing was applied`,
      );
  }
};
