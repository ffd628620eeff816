import type { Runtime } from "@synchro/core";
import type { Limits } from "@synchro/protocol";
import type { Logger } from "pino";
import type { ControlStore } from "../control/control-store.ts";
import type { Authorize, Identify } from "../service/authorize.ts";
import type { QuotaOf } from "../service/push.ts";
import { followAccessState } from "./access-state.ts";
import { decide, isRevoked } from "./decide.ts";
import { createRateLimiter } from "./rate-limiter.ts";
import type { SignedToken, VerifyToken } from "./verify-token.ts";

export type AccessDeps = {
  readonly verify: VerifyToken;
  readonly control: Pick<ControlStore, "readAccess">;
  readonly runtime: Pick<Runtime, "monotonicMs" | "after">;
  readonly limits: Limits;
  readonly logger: Pick<Logger, "error" | "warn">;
};

export type Access = {
  readonly identify: Identify;
  readonly authorize: Authorize;
  /** Live records that a space may hold, as far as is known. */
  readonly quotaOf: QuotaOf;
  /** Looks no more for revocations; from then on nobody is known for long. */
  readonly stop: () => void;
};

/** Whom requests count against: a device keeps its place over the tokens that it renews. */
const callerOf = ({ claims }: SignedToken): string => {
  if (claims.device !== null) return `device ${claims.device}`;
  return claims.tokenId === null ? `subject ${claims.subject}` : `token ${claims.tokenId}`;
};

/** Who is who, and who may do what, by tokens. Spec: TOKEN-*. */
export const createAccess = (deps: AccessDeps): Access => {
  const followed = followAccessState(deps);
  const limiter = createRateLimiter(deps);
  const read = async (text: string | null): Promise<SignedToken | null> => {
    if (text === null) return null;
    const reading = await deps.verify(text);
    return reading.kind === "valid" ? reading.token : null;
  };
  const identify: Identify = async (credentials, { counts }) => {
    const token = await read(credentials.token);
    if (token === null) return { kind: "unauthorized" };
    const retryAfterS = counts ? limiter.take(callerOf(token)) : 0;
    if (retryAfterS > 0) return { kind: "limited", retryAfterS };
    const state = await followed.current();
    if (state === null) return { kind: "unavailable" };
    if (isRevoked(token, state)) return { kind: "unauthorized" };
    const { subject, grants } = token.claims;
    return { kind: "known", principal: { subject, grants } };
  };
  const authorize: Authorize = async (credentials, space, action) => {
    const token = await read(credentials.token);
    if (token === null) return { kind: "unauthorized" };
    const state = await followed.current();
    return state === null ? { kind: "unavailable" } : decide(token, state, space, action);
  };
  return { identify, authorize, quotaOf: followed.quotaOf, stop: followed.stop };
};
