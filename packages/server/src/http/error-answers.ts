import type { ProblemCode } from "@synchro/protocol";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { denialOfStore } from "../service/denial.ts";
import { StoreUnavailableError } from "../store/store-unavailable-error.ts";
import { sendDenial, sendProblem } from "./problem.ts";

const sendUnavailable = (
  error: StoreUnavailableError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply => {
  request.log.warn({ reqId: request.id, err: error }, "the store is not available");
  return sendDenial(reply, denialOfStore(error));
};

/** Errors that the framework makes of what a client sent, by their codes. */
const frameworkErrors: { readonly [code: string]: readonly [ProblemCode, string] } = {
  FST_ERR_BAD_URL: ["bad_request", "the path is not valid percent-encoded UTF-8"],
  FST_ERR_MAX_PARAM_LENGTH: ["uri_too_long", "a part of the path is too long"],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    "unsupported_media_type",
    "Content-Type must be application/json (in UTF-8)",
  ],
};

/** Other errors with a client's status. A file that must not be read (403) is none. */
const codesByStatus: { readonly [status: number]: ProblemCode } = {
  403: "not_found",
  404: "not_found",
  408: "request_timeout",
  413: "body_too_large",
  414: "uri_too_long",
  415: "unsupported_media_type",
};

const clientProblem = (error: FastifyError): readonly [ProblemCode, string] | null => {
  const known = frameworkErrors[error.code];
  if (known !== undefined) return known;
  const status = error.statusCode ?? 500;
  if (status < 400 || status > 499) return null;
  return [codesByStatus[status] ?? "bad_request", "the request can't be answered"];
};

/**
 * The answer to an error. What a client caused is told in general words; all else is a defect of
 * the server: 500 with a request id, under which the log has the cause.
 */
export const answerError = (
  error: FastifyError | StoreUnavailableError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply => {
  if (error instanceof StoreUnavailableError) return sendUnavailable(error, request, reply);
  const problem = clientProblem(error);
  if (problem !== null) return sendProblem(reply, ...problem);
  // The route's pattern only: paths and queries name shops and hold cursors.
  const { url: route } = request.routeOptions;
  request.log.error(
    { reqId: request.id, err: error, method: request.method, route },
    "a request failed",
  );
  reply.header("x-request-id", request.id);
  return sendProblem(reply, "internal", "the server failed; its log has the cause");
};

export const addErrorAnswers = (app: FastifyInstance): void => {
  app.setErrorHandler<FastifyError | StoreUnavailableError>(answerError);
};
