import type { SpaceId } from "@synchro/core";

/** What a caller wants to do in a space. */
export type Action = "read" | "write";

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
  | { readonly kind: "forbidden" };

/**
 * The one function that decides, for every transport: at each request, and again on an open stream
 * at least every `streamAuthorizeMs`. Spec: OPEN-*.
 */
export type Authorize = (
  credentials: Credentials,
  space: SpaceId,
  action: Action,
) => Promise<Decision>;

/** Open mode: who reaches the loopback address may do everything, and is nobody in particular. */
export const authorizeAnybody: Authorize = () =>
  Promise.resolve({ kind: "allowed", subject: null });
