import type { TransportFailure } from "./transport.ts";
import { isMembers } from "./wire-form.ts";

/** What is read of a problem document (RFC 9457): the code is all that a program may depend on. */
export type Problem = { readonly code: string; readonly detail: string };

const DETAIL_CHARS_MAX = 500;

/** Null where it is no problem document: then it was not Synchro that answered, but something before it. */
export const problemOf = (value: unknown): Problem | null => {
  if (!isMembers(value) || typeof value["code"] !== "string") return null;
  const detail = typeof value["detail"] === "string" ? value["detail"] : "";
  return { code: value["code"], detail: detail.slice(0, DETAIL_CHARS_MAX) };
};

/** What a problem that Synchro itself told means, by its HTTP status, also where it came in a frame. */
export const failureOfProblem = (
  status: number,
  { code, detail }: Problem,
  retryAfterMs: number | null,
): TransportFailure => {
  if (status === 401) return { kind: "unauthorized" };
  if (status === 413) return { kind: "too_large" };
  if (status === 429 || status === 503 || status === 507) {
    return { kind: "busy", code, retryAfterMs };
  }
  if (status === 403 && code === "forbidden") return { kind: "forbidden" };
  if (status === 404) return { kind: "hidden" };
  const mayPassLater = status < 400 || status === 408 || status >= 500;
  if (mayPassLater) return { kind: "unreachable", reason: `${code} (${status})` };
  return { kind: "refused", status, code, detail };
};
