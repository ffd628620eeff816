import type { Runtime } from "@synchro/core";
import { encodeLiveError, problemOf } from "@synchro/protocol";
import { drawReconnectMs } from "../../../http/reconnect-hint.ts";
import { type Denial, denialOfStore } from "../../../service/denial.ts";
import { StoreUnavailableError } from "../../../store/store-unavailable-error.ts";
import type { LiveDeps } from "./live-deps.ts";

/** Why something was not done, as an `error` frame. Where waiting helps, chance is added to the time: not all at once. */
export const denialFrame = (
  runtime: Pick<Runtime, "randomBytes">,
  id: string | null,
  { code, detail, errors, retryAfterS }: Denial,
): string =>
  encodeLiveError({
    id,
    retryAfterMs: retryAfterS === undefined ? null : retryAfterS * 1_000 + drawReconnectMs(runtime),
    problem: problemOf(code, detail, errors),
  });

/** What is told of a failure; its cause is the log's. */
export const denialOfFailure = (error: unknown, logger: LiveDeps["logger"]): Denial => {
  if (error instanceof StoreUnavailableError) {
    logger.warn({ err: error }, "the store is not available");
    return denialOfStore(error);
  }
  logger.error({ err: error }, "a live connection failed");
  return { code: "internal", detail: "the server failed; its log has the cause" };
};
