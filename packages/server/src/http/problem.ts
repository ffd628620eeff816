import {
  type FieldError,
  PROBLEM_MEDIA_TYPE,
  type ProblemCode,
  problemOf,
} from "@synchro/protocol";
import type { FastifyReply } from "fastify";
import type { Denial } from "../service/denial.ts";

/** Answers with problem details: nothing of the request was applied, unless the code says otherwise. */
export const sendProblem = (
  reply: FastifyReply,
  code: ProblemCode,
  detail: string,
  errors?: readonly FieldError[],
): FastifyReply => {
  const problem = problemOf(code, detail, errors);
  return (
    reply
      .code(problem.status)
      .header("content-type", PROBLEM_MEDIA_TYPE)
      .header("cache-control", "no-store")
      // As bytes: to text of a JSON type Fastify would add a charset, which RFC 9457 does not know.
      .send(Buffer.from(JSON.stringify(problem)))
  );
};

/** Answers with why nothing was done, and when to ask again. */
export const sendDenial = (reply: FastifyReply, denial: Denial): FastifyReply => {
  const { code, detail, errors, retryAfterS } = denial;
  if (retryAfterS !== undefined) reply.header("retry-after", String(retryAfterS));
  return sendProblem(reply, code, detail, errors);
};
