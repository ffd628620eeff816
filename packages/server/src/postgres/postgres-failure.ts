import { DatabaseError } from "pg";
import { StoreUnavailableError } from "../store/store-unavailable-error.ts";

/**
 * What a failure means for a transaction that has not been committed.
 *
 * - `full`: no room; nothing of it stands.
 * - `busy`: somebody else is in the way; the connection can go on.
 * - `lost`: the connection, or its database, is of no use any more.
 * - `defect`: anything else, ours to mend.
 */
export type PostgresFailure = "full" | "busy" | "lost" | "defect";

/** Conditions by PostgreSQL's codes (manual, Appendix A). */
const failuresByCode: { readonly [code: string]: PostgresFailure } = {
  "53000": "full",
  "53100": "full",
  "53400": "full",
  // Memory and connections come free by themselves.
  "53200": "busy",
  "53300": "lost",
  "40001": "busy",
  "40P01": "busy",
  "55P03": "busy",
  "57014": "busy",
  "57P01": "lost",
  "57P02": "lost",
  "57P03": "lost",
  "57P05": "lost",
  "25P03": "lost",
  "25P04": "lost",
  // What was the primary has become a standby.
  "25006": "lost",
};

/** What the driver, or the network beneath it, says when a connection is gone. */
const isConnectionLoss = (error: Error): boolean =>
  ("code" in error && typeof error.code === "string" && /^E[A-Z]+$/.test(error.code)) ||
  /connection (?:terminated|error|ended)|client was closed|not queryable|timeout expired|server conn crashed/i.test(
    error.message,
  );

export const failureOf = (error: unknown): PostgresFailure => {
  if (error instanceof StoreUnavailableError) return error.reason === "busy" ? "busy" : "lost";
  if (error instanceof DatabaseError) {
    const { code = "" } = error;
    return failuresByCode[code] ?? (code.startsWith("08") ? "lost" : "defect");
  }
  return error instanceof Error && isConnectionLoss(error) ? "lost" : "defect";
};

/** The error that a caller sees of a failure that leaves nothing behind; a defect is told as it is. */
export const unavailableOf = (error: unknown): unknown => {
  if (error instanceof StoreUnavailableError) return error;
  const failure = failureOf(error);
  return failure === "busy" || failure === "lost"
    ? new StoreUnavailableError(failure, messageOf(error), { cause: error })
    : error;
};

/** Whether the server itself answered that a statement had failed, and goes on: no answer is missing. */
export const isServerError = (error: unknown): boolean =>
  error instanceof DatabaseError && failureOf(error) !== "lost";

export const messageOf = (error: unknown): string =>
  error instanceof Error && error.message !== "" ? error.message : String(error);
