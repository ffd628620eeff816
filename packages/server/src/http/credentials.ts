import type { FastifyReply, FastifyRequest } from "fastify";
import type { Credentials, Identity } from "../service/authorize.ts";
import { denialOfIdentity } from "../service/denial.ts";
import { sendProblem, sendDenial } from "./problem.ts";

/**
 * The bearer token of a request (RFC 6750, section 2.1): of the header and of nothing else, so that
 * none stands in an address, a log or a history.
 */
export const credentialsOf = (request: FastifyRequest): Credentials => {
  const match = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? "");
  return { token: match?.[1] ?? null };
};

/** Whether a request brought credentials of any form. */
const hasCredentials = (request: FastifyRequest): boolean =>
  request.headers.authorization !== undefined;

/**
 * Answers who is not known. One answer for every reason: what is wrong with a token is nothing to
 * learn by trying (RFC 6750, section 3).
 */
export const refuseUnknown = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
  const challenge = hasCredentials(request)
    ? 'Bearer realm="synchro", error="invalid_token"'
    : 'Bearer realm="synchro"';
  reply.header("www-authenticate", challenge);
  return sendProblem(reply, "unauthorized", "send a valid token as Authorization: Bearer TOKEN");
};

/** Answers a caller who is not known, or not now. */
export const refuseIdentity = (
  request: FastifyRequest,
  reply: FastifyReply,
  identity: Exclude<Identity, { readonly kind: "known" }>,
): FastifyReply => {
  if (identity.kind === "unauthorized") return refuseUnknown(request, reply);
  return sendDenial(reply, denialOfIdentity(identity));
};
