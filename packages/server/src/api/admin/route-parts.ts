import { problemSchema } from "@synchro/protocol";
import type { FastifyReply } from "fastify";
import { sendProblem } from "../../http/problem.ts";

/** Under which heading the page of the API shows these routes. */
export const adminTags = ["admin"];

/** What every one of them may answer beside its own. */
export const problemAnswers = { "4XX": problemSchema, "5XX": problemSchema };

/** The space of a path. */
export const spaceParams = {
  type: "object",
  properties: { space: { type: "string", description: "The space, such as a shop's id." } },
};

export const noSuchSpace = (reply: FastifyReply): FastifyReply =>
  sendProblem(reply, "not_found", "there is no such space");
