import type { Attempt } from "./attempt.ts";
import { failureOfProblem, type Problem, problemOf } from "./failure-of-problem.ts";
import { readJsonAnswer } from "./json-answer.ts";
import { mediaTypeOf } from "./media-type.ts";
import { NOT_SYNCHRO } from "./not-synchro.ts";
import { retryAfterMs } from "./retry-after.ts";
import { textPieces } from "./text-pieces.ts";
import type { TransportFailure } from "./transport.ts";
import type { TransportLimits } from "./transport-limits.ts";

const problemTypes = new Set(["application/problem+json", "application/json"]);

const readProblem = async (
  response: Response,
  attempt: Attempt,
  { problemCharsMax, silenceMs, answerMs }: TransportLimits,
): Promise<Problem | null> => {
  if (!problemTypes.has(mediaTypeOf(response))) return null;
  const bounds = { charsMax: problemCharsMax, bodyMs: answerMs, silenceMs };
  return problemOf(await readJsonAnswer(textPieces(response, attempt), attempt, bounds));
};

const isRedirect = (response: Response): boolean =>
  response.type === "opaqueredirect" || (response.status >= 300 && response.status < 400);

/** What says by its status alone what it means, whoever stands between has said it. */
const plainStatuses = new Set([401, 413, 429, 503, 507]);

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
  const needsNoProblem = status === 401 || status === 413;
  const told = needsNoProblem
    ? null
    : await readProblem(response, attempt, limits).catch(() => null);
  if (told === null && !plainStatuses.has(status)) {
    return { kind: "unreachable", reason: `${NOT_SYNCHRO} (${status})` };
  }
  const problem = told ?? { code: `http_${status}`, detail: "" };
  const wait = retryAfterMs(response.headers.get("retry-after"), limits.retryAfterMsMax);
  return failureOfProblem(status, problem, wait);
};
