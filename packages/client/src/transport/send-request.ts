import type { Attempt } from "./attempt.ts";
import type { RequestBody } from "./encode-request-body.ts";
import { isSendable, type TokenSource } from "./token-source.ts";
import { TransferError, transferErrorOf } from "./transfer-error.ts";

/** What of the platform's `fetch` is called. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export type HttpRequest = {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly accept: string;
  readonly body: RequestBody | null;
  /** Milliseconds to the headers of the answer. */
  readonly answerMs: number;
};

export type SendDeps = { readonly fetch: Fetch; readonly tokenSource: TokenSource };

const initOf = (request: HttpRequest, token: string | null, signal: AbortSignal): RequestInit => ({
  method: request.method,
  headers: {
    accept: request.accept,
    ...request.body?.headers,
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
  },
  body: request.body?.bytes ?? null,
  signal,
  cache: "no-store",
  credentials: "omit",
  // Data and token go where the app said and nowhere else.
  redirect: "manual",
});

const discard = (response: Response): void => {
  response.body?.cancel().catch(() => {});
};

const ask = async (
  { fetch }: SendDeps,
  attempt: Attempt,
  request: HttpRequest,
  token: string | null,
): Promise<Response> => {
  const call = async (): Promise<Response> => {
    const response = await fetch(request.url, initOf(request, token, attempt.signal));
    // A platform that does not mind the signal: nobody waits for this any more.
    if (attempt.signal.aborted) discard(response);
    return response;
  };
  try {
    return await attempt.within(request.answerMs, "no answer in time", call());
  } catch (error) {
    throw transferErrorOf(error, "the server can't be reached");
  }
};

/**
 * Sends a request with the app's token. Where it is refused (401) the app is asked once for a new
 * one, and the same request is sent again: a second 401 is the answer. Null: there is no new token.
 *
 * @throws TransferError if no headers of an answer came.
 */
export const sendRequest = async (
  deps: SendDeps,
  attempt: Attempt,
  request: HttpRequest,
): Promise<Response | null> => {
  if (attempt.signal.aborted) throw new TransferError("stopped by the caller", true);
  const token = await deps.tokenSource(attempt, false);
  if (token === null || isSendable(token)) {
    const response = await ask(deps, attempt, request, token);
    if (response.status !== 401) return response;
    discard(response);
  }
  const renewed = await deps.tokenSource(attempt, true);
  if (renewed === null || !isSendable(renewed)) return null;
  return ask(deps, attempt, request, renewed);
};
