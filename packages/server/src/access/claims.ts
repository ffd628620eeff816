import { isJsonObject, isSpaceId, type JsonObject, type SpaceId } from "@synchro/core";
import type { DeviceId } from "../control/control-store.ts";
import { isDeviceId } from "../control/draw-device-id.ts";
import { EVERY_SPACE, type Grants, type Level, levels } from "./grants.ts";

/** Spaces that one token may name. */
export const TOKEN_SPACES_MAX = 256;

/** Characters of a subject and of a token's id. */
const LABEL_LENGTH_MAX = 128;

/** Seconds by which the clock of whoever made a token may be ahead. */
const LEEWAY_S = 60;

/** The last second of the year 9999: later instants can't be written. */
const SECONDS_MAX = 253_402_300_799;

/** What a token says, once its signature is known to be good. Times are seconds since 1970. */
export type Claims = {
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly subject: string;
  /** Null: it was made without one. */
  readonly tokenId: string | null;
  readonly device: DeviceId | null;
  readonly grants: Grants;
  readonly issuedAt: number | null;
  readonly notBefore: number | null;
  readonly expiresAt: number;
};

const isSeconds = (value: unknown): value is number =>
  typeof value === "number" && value >= 0 && value <= SECONDS_MAX;

const isLabel = (value: unknown): value is string =>
  typeof value === "string" && value !== "" && value.length <= LABEL_LENGTH_MAX;

const isLevel = (value: unknown): value is Level => levels.some((level) => level === value);

const isGrantKey = (name: string): name is SpaceId | typeof EVERY_SPACE =>
  name === EVERY_SPACE || isSpaceId(name);

/** By space a level; null if it is anything else, or empty. */
const readGrants = (value: unknown): Grants | null => {
  if (!isJsonObject(value)) return null;
  const entries = Object.entries(value);
  if (entries.length === 0 || entries.length > TOKEN_SPACES_MAX) return null;
  const grants = new Map<SpaceId | typeof EVERY_SPACE, Level>();
  for (const [name, level] of entries) {
    if (!isGrantKey(name) || !isLevel(level)) return null;
    grants.set(name, level);
  }
  return grants;
};

const readAudiences = (aud: unknown): readonly string[] | null => {
  const audiences = typeof aud === "string" ? [aud] : aud;
  if (!Array.isArray(audiences)) return null;
  return audiences.every((each) => typeof each === "string") ? audiences : null;
};

/**
 * The claims of a token (RFC 7519, section 4.1, and the private ones `spaces` and `device`); null
 * if one that is needed is missing, or one is not of its form. Others are ignored. Spec: TOKEN-*.
 */
export const readClaims = (payload: JsonObject): Claims | null => {
  const { iss, aud, sub, jti, device, spaces, iat, nbf, exp } = payload;
  const audiences = readAudiences(aud);
  const grants = readGrants(spaces);
  if (typeof iss !== "string" || audiences === null || grants === null) return null;
  if (!isLabel(sub) || (jti !== undefined && !isLabel(jti))) return null;
  if (device !== undefined && !(typeof device === "string" && isDeviceId(device))) return null;
  if (!isSeconds(exp)) return null;
  if (iat !== undefined && !isSeconds(iat)) return null;
  if (nbf !== undefined && !isSeconds(nbf)) return null;
  return {
    issuer: iss,
    audiences,
    subject: sub,
    tokenId: jti ?? null,
    device: device ?? null,
    grants,
    issuedAt: iat ?? null,
    notBefore: nbf ?? null,
    expiresAt: exp,
  };
};

export type Timeliness = "valid" | "expired" | "not_yet";

/** Whether claims hold at an instant, in seconds since 1970. Only what lies ahead has leeway. */
export const timelinessOf = (
  claims: Pick<Claims, "issuedAt" | "notBefore" | "expiresAt">,
  nowS: number,
): Timeliness => {
  if (nowS >= claims.expiresAt) return "expired";
  const from = Math.max(claims.issuedAt ?? 0, claims.notBefore ?? 0);
  return from > nowS + LEEWAY_S ? "not_yet" : "valid";
};
