import { isJsonObject, type Runtime } from "@synchro/core";
import { StartError } from "../config/start-error.ts";
import { stoppedError } from "./stop-signal.ts";
import { wait } from "./wait.ts";

/** Tries of one request before it is given up: with the waits between them about two minutes. */
const TRIES_MAX = 8;
const WAIT_MS_MAX = 30_000;
/** The longest that a server is taken at its word when it says `Retry-After`. */
const RETRY_AFTER_S_MAX = 300;

/** Statuses after which the same bytes may pass a little later. */
const passing: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

export type ServerRequest = {
  readonly path: string;
  readonly accept: string;
  /** A JSON text to post; null: a GET. */
  readonly body: string | null;
};

export type ServerClient = {
  readonly url: string;
  /**
   * Sends a request until it is answered, and gives the answer: a 200, or a 413, which the caller
   * must deal with.
   *
   * @throws StartError in one line: refused, or not reached for too long.
   */
  readonly send: (request: ServerRequest) => Promise<Response>;
  /** Waits before a try after `failures` in a row, or gives up with `reason`. */
  readonly backOff: (failures: number, reason: string) => Promise<void>;
};

const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  const code = cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
  return `${cause instanceof Error && cause.message !== "" ? cause.message : error.message}${code}`;
};

const problemOf = async (response: Response): Promise<string> => {
  try {
    const problem: unknown = await response.json();
    if (isJsonObject(problem) && typeof problem["detail"] === "string") return problem["detail"];
    if (isJsonObject(problem) && typeof problem["title"] === "string") return problem["title"];
  } catch {
    // Not every answer is ours: a proxy may have given it.
  }
  return response.statusText;
};

const refusalOf = async (url: string, response: Response): Promise<StartError> => {
  const problem = await problemOf(response);
  const hint =
    response.status === 401
      ? ": give a token with --token-file or SYNCHRO_TOKEN"
      : response.status === 403 || response.status === 404
        ? ": the token may not do this in this space, or there is no such space"
        : "";
  return new StartError(`${url} answered ${response.status} (${problem})${hint}`);
};

const retryAfterMs = (response: Response): number | null => {
  const seconds = response.headers.get("retry-after") ?? "";
  return /^\d{1,6}$/.test(seconds) ? Math.min(Number(seconds), RETRY_AFTER_S_MAX) * 1000 : null;
};

/** Speaks to one server, with the patience of a program that runs for a while. */
export const createServerClient = (deps: {
  readonly url: string;
  readonly token: string | null;
  readonly runtime: Pick<Runtime, "after">;
  readonly signal: AbortSignal;
}): ServerClient => {
  const { url, token, runtime, signal } = deps;
  const pause = async (ms: number): Promise<void> => {
    await wait(runtime, ms, signal);
    if (signal.aborted) throw stoppedError();
  };
  const backOff = async (failures: number, reason: string): Promise<void> => {
    if (failures >= TRIES_MAX) throw new StartError(`${url}: ${reason}: run it again later`);
    await pause(Math.min(WAIT_MS_MAX, 500 * 2 ** failures));
  };
  const attempt = ({ path, accept, body }: ServerRequest): Promise<Response> =>
    fetch(url + path, {
      method: body === null ? "GET" : "POST",
      headers: {
        accept,
        ...(body === null ? {} : { "content-type": "application/json" }),
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      },
      body,
      // A token is for the server that was named, and for no other.
      redirect: "error",
      signal,
    });
  let hasAnswered = false;
  const send = async (request: ServerRequest): Promise<Response> => {
    for (let failures = 0; ; failures += 1) {
      let reason: string;
      try {
        const response = await attempt(request);
        hasAnswered = true;
        if (response.ok || response.status === 413) return response;
        if (!passing.has(response.status)) throw await refusalOf(url, response);
        reason = `answers ${response.status} (${await problemOf(response)})`;
        const afterMs = retryAfterMs(response);
        if (afterMs !== null && failures < TRIES_MAX) {
          await pause(Math.max(afterMs, 1000));
          continue;
        }
      } catch (error) {
        if (error instanceof StartError) throw error;
        if (signal.aborted) throw stoppedError();
        reason = `can't be reached: ${reasonOf(error)}`;
        // Where nobody has answered yet, the address is more likely wrong than its server away.
        if (!hasAnswered) throw new StartError(`${url} ${reason}: does a server listen there?`);
      }
      await backOff(failures, reason);
    }
  };
  return { url, send, backOff };
};
