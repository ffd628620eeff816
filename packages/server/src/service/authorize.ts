import type { SpaceId } from "@synchro/core";
import { EVERY_SPACE, type Grants, type Level } from "../access/grants.ts";

/** What a caller wants to do in a space. */
export type Action = Level;

/** What a transport knows of a caller: the bearer token of a header or of a first frame, never of a URL. */
export type Credentials = { readonly token: string | null };

/**
 * `subject` null: nobody in particular. A space that a caller may not see is `hidden`: it answers as
 * one that does not exist, so that names do not leak.
 */
export type Decision =
  | { readonly kind: "allowed"; readonly subject: string | null }
  | { readonly kind: "unauthorized" }
  | { readonly kind: "hidden" }
  | { readonly kind: "forbidden" }
  /** Whether the caller was shut out since can't be known now. */
  | { readonly kind: "unavailable" };

/**
 * The one function that decides, for every transport: at each request, and again on an open stream
 * at least every `streamAuthorizeMs`. Spec: OPEN-*.
 */
export type Authorize = (
  credentials: Credentials,
  space: SpaceId,
  action: Action,
) => Promise<Decision>;

/** Who a token stands for. */
export type Principal = {
  /** Null in open mode: nobody in particular. */
  readonly subject: string | null;
  readonly grants: Grants;
};

export type Identity =
  | { readonly kind: "known"; readonly principal: Principal }
  | { readonly kind: "unauthorized" }
  | { readonly kind: "unavailable" }
  /** More requests than this token may make: again after so many seconds. */
  | { readonly kind: "limited"; readonly retryAfterS: number };

/** Who a caller is, before any space is named. Counts against the caller's rate if `counts`. */
export type Identify = (
  credentials: Credentials,
  options: { readonly counts: boolean },
) => Promise<Identity>;

/** Open mode: who reaches the loopback address may do everything, and is nobody in particular. */
export const authorizeAnybody: Authorize = () =>
  Promise.resolve({ kind: "allowed", subject: null });

const anybody: Identity = {
  kind: "known",
  principal: { subject: null, grants: new Map([[EVERY_SPACE, "admin"]]) },
};

/** Open mode: everybody is nobody in particular, and counted against nothing. */
export const identifyAnybody: Identify = () => Promise.resolve(anybody);
