import type { Attempt } from "./attempt.ts";
import { readJsonAnswer } from "./json-answer.ts";
import { mediaTypeOf } from "./media-type.ts";
import { NOT_SYNCHRO } from "./not-synchro.ts";
import { retryAfterMs } from "./retry-after.ts";
import { textPieces } from "./text-pieces.ts";
import type { TransportFailure } from "./transport.ts";
import type { TransportLimits } from "./transport-limits.ts";
import { isMembers } from "./wire-form.ts";

/** What is read of a problem document (RFC 9457): the code is all that a program may depend on. */
type ReadProblem = { readonly code: string; readonly detail: string };

const DETAIL_CHARS_MAX = 500;

const problemTypes = new Set(["application/problem+json", "application/json"]);

/** Null where the body is no problem document: then it was not Synchro that answered, but something before it. */
const readProblem = async (
  response: Response,
  attempt: Attempt,
  { problemCharsMax, silenceMs, answerMs }: TransportLimits,
): Promise<ReadProblem | null> => {
  if (!problemTypes.has(mediaTypeOf(response))) return null;
  const bounds = { charsMax: problemCharsMax, bodyMs: answerMs, silenceMs };
  const problem = await readJsonAnswer(textPieces(response, attempt), attempt, bounds);
  if (!isMembers(problem) || typeof problem["code"] !== "string") return null;
  const detail = typeof problem["detail"] === "string" ? problem["detail"] : "";
  return { code: problem["code"], detail: detail.slice(0, DETAIL_CHARS_MAX) };
};

const busy = (
  response: Response,
  problem: ReadProblem | null,
  { retryAfterMsMax }: TransportLimits,
): TransportFailure => ({
  kind: "busy",
  code: problem?.code ?? `http_${response.status}`,
  retryAfterMs: retryAfterMs(response.headers.get("retry-after"), retryAfterMsMax),
});

const isRedirect = (response: Response): boolean =>
  response.type === "opaqueredirect" || (response.status >= 300 && response.status < 400);

/**
 * What an answer that is no 200 means. A verdict that a client would act upon (403, 404, any other
 * 4xx) counts only from Synchro itself, which says it in a problem document: a captive portal or a
 * proxy would else have a client drop its offers. 401 and 413 count from whoever stands between.
 */
export const failureOfResponse = async (
  response: Response,
  attempt: Attempt,
  limits: TransportLimits,
): Promise<TransportFailure> => {
  const { status } = response;
  if (isRedirect(response)) return { kind: "unreachable", reason: "sent on to another address" };
  if (status === 401) return { kind: "unauthorized" };
  if (status === 413) return { kind: "too_large" };
  const problem = await readProblem(response, attempt, limits).catch(() => null);
  if (status === 429 || status === 503 || status === 507) {
    return busy(response, problem, limits);
  }
  if (problem === null) return { kind: "unreachable", reason: `${NOT_SYNCHRO} (${status})` };
  const { code, detail } = problem;
  if (status === 403 && code === "forbidden") return { kind: "forbidden" };
  if (status === 404) return { kind: "hidden" };
  const mayPassLater = status < 400 || status === 408 || status >= 500;
  if (mayPassLater) return { kind: "unreachable", reason: `${code} (${status})` };
  return { kind: "refused", status, code, detail };
};
