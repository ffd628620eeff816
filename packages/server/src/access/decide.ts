import type { SpaceId } from "@synchro/core";
import type { AccessState } from "../control/control-store.ts";
import type { Action, Decision } from "../service/authorize.ts";
import { includesLevel, levelIn } from "./grants.ts";
import type { SignedToken } from "./verify-token.ts";

/** Whether a token, or the device that it was made for, was taken back before its time. */
export const isRevoked = (
  { id, claims }: SignedToken,
  state: Pick<AccessState, "revokedTokens" | "revokedDevices">,
): boolean =>
  state.revokedTokens.has(id) ||
  (claims.device !== null && state.revokedDevices.has(claims.device));

/**
 * What the holder of a token may do in a space. A space of others, one that was deleted and one that
 * never was are one case: `hidden`. A space that was granted and is not there yet is none of these.
 * Spec: OPEN-7, TOKEN-*.
 */
export const decide = (
  token: SignedToken,
  state: Pick<AccessState, "revokedTokens" | "revokedDevices" | "deletedSpaces">,
  space: SpaceId,
  action: Action,
): Decision => {
  if (isRevoked(token, state)) return { kind: "unauthorized" };
  const level = levelIn(token.claims.grants, space);
  if (level === null || state.deletedSpaces.has(space)) return { kind: "hidden" };
  if (!includesLevel(level, action)) return { kind: "forbidden" };
  return { kind: "allowed", subject: token.claims.subject };
};
