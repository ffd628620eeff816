import type { SpaceId } from "@synchro/core";
import type { FieldError, ProblemCode } from "@synchro/protocol";
import type { Action, Decision, Identity } from "./authorize.ts";
import type { PushRefusal } from "./push.ts";
import type { StoreUnavailableError } from "../store/store-unavailable-error.ts";

/** Why nothing was done, in the words of every transport. */
export type Denial = {
  readonly code: ProblemCode;
  readonly detail: string;
  readonly errors?: readonly FieldError[];
  /** Seconds after which it may be otherwise; absent: as soon as its cause is mended. */
  readonly retryAfterS?: number;
};

/** Seconds after which it may be known again who may do what. */
const UNAVAILABLE_S = 5;

/** Seconds after which a space may have room again: somebody must delete records or raise the quota. */
const OVER_QUOTA_S = 60;

const whoIsUnavailable: Denial = {
  code: "unavailable",
  detail: "who may do what can't be looked up now",
  retryAfterS: UNAVAILABLE_S,
};

/** Why a caller is not known, or not now. */
export const denialOfIdentity = (
  identity: Exclude<Identity, { readonly kind: "known" }>,
): Denial => {
  switch (identity.kind) {
    case "unauthorized":
      return { code: "unauthorized", detail: "no valid token vouches for the caller" };
    case "unavailable":
      return whoIsUnavailable;
    case "limited":
      return {
        code: "rate_limited",
        detail: "this token makes more requests than are taken",
        retryAfterS: identity.retryAfterS,
      };
  }
};

/** Why a caller may not do in a space what it wants. A space that it may not see is one that does not exist. */
export const denialOfDecision = (
  decision: Exclude<Decision, { readonly kind: "allowed" }>,
  wish: { readonly space: SpaceId; readonly action: Action },
): Denial => {
  switch (decision.kind) {
    case "unauthorized":
      return { code: "unauthorized", detail: "no valid token vouches for the caller" };
    case "forbidden":
      return { code: "forbidden", detail: `this token may not ${wish.action} in ${wish.space}` };
    case "unavailable":
      return whoIsUnavailable;
    case "hidden":
      return { code: "not_found", detail: "there is no such space" };
  }
};

/** Why nothing of a push was applied. Spec: PUSH-22, SPACE-7. */
export const denialOfPush = (refusal: PushRefusal): Denial => {
  switch (refusal.kind) {
    case "full":
      return { code: "storage_full", detail: "the server's disk is full: nothing was applied" };
    case "over_quota":
      return {
        code: "quota_exceeded",
        detail: `the space is full: it may hold ${refusal.recordsMax} live records, and nothing was applied`,
        retryAfterS: OVER_QUOTA_S,
      };
  }
};

/** Seconds after which what keeps the records may be there again: a failover takes longer than a queue. */
const STORE_RETRY_S = { busy: 1, lost: 5, unknown: 5 } as const;

/** What a client is told of it. The cause names the database: it is the log's. */
const storeDetails = {
  busy: "the database is busy: nothing was applied",
  lost: "the database can't be reached: nothing was applied",
  unknown: "the database did not confirm: what was sent may be applied or not; send it again",
} as const;

/** Why what needs the store can't be done now. */
export const denialOfStore = ({ reason }: StoreUnavailableError): Denial => ({
  code: "unavailable",
  detail: storeDetails[reason],
  retryAfterS: STORE_RETRY_S[reason],
});
