import type { FastifyReply } from "fastify";
import type { PushRefusal } from "../service/push.ts";
import { denialOfPush } from "../service/denial.ts";
import { sendDenial } from "./problem.ts";

/** Answers a push of which nothing was applied. Spec: PUSH-22, SPACE-7. */
export const refusePush = (reply: FastifyReply, refusal: PushRefusal): FastifyReply =>
  sendDenial(reply, denialOfPush(refusal));
