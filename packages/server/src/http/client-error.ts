import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { PROBLEM_MEDIA_TYPE, type ProblemCode, problemOf } from "@synchro/protocol";

const problemOfError = (code: string): readonly [ProblemCode, string] => {
  switch (code) {
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return ["request_timeout", "the request did not arrive in time"];
    case "HPE_HEADER_OVERFLOW":
      return ["headers_too_large", "path and headers are too long"];
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return ["body_too_large", "the extensions of a chunk are too long"];
    default:
      return ["bad_request", "the request is not valid HTTP"];
  }
};

const answerText = (code: string): string => {
  const problem = problemOf(...problemOfError(code));
  const body = JSON.stringify(problem);
  return [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ""}`,
    `Content-Type: ${PROBLEM_MEDIA_TYPE}`,
    "Cache-Control: no-store",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
    "",
    body,
  ].join("\r\n");
};

/** The answers that are under way, by connection: what was asked last. */
export type OpenAnswers = WeakMap<Socket, ServerResponse>;

export const trackAnswers = (server: Server, answers: OpenAnswers): void => {
  server.prependListener("request", (request: IncomingMessage, response: ServerResponse) => {
    answers.set(request.socket, response);
  });
};

/** Whether bytes written to the connection now would be taken for part of an answer to an earlier request. */
const isAnswering = (response: ServerResponse | undefined): boolean => {
  if (response === undefined || response.writableFinished) return false;
  return response.headersSent || response.req.complete;
};

/**
 * Ends a connection on which no further request can be read: too slow, too long, or not HTTP. Says
 * why, as a problem document, where that can't be mistaken for another answer. Spec: LIMIT-8, LIMIT-9.
 */
export const answerClientError = (
  error: Error & { readonly code?: string },
  socket: Socket,
  answers: OpenAnswers,
): void => {
  if (error.code === "ECONNRESET" || !socket.writable || isAnswering(answers.get(socket))) {
    socket.destroy();
    return;
  }
  socket.write(answerText(error.code ?? ""));
  socket.destroySoon();
};
