import { Buffer } from "node:buffer";
import type { JsonObject, Runtime } from "@synchro/core";
import { stampToMillis } from "@synchro/core";
import { compactVerify, errors } from "jose";
import { type Claims, readClaims, timelinessOf } from "./claims.ts";
import type { KeyRing } from "./key-ring.ts";
import { type Key, keyAlgorithms, type KeySet } from "./read-keys.ts";
import { parseStrictJson } from "./strict-json.ts";
import { createTokenCache } from "./token-cache.ts";

/** Characters of a token. */
export const TOKEN_LENGTH_MAX = 8 * 1024;

/** Who may have made a token, and for whom. */
export type TokenNames = { readonly issuer: string; readonly audience: string };

/** A token whose signature and claims are good; whether it is in time is asked at each use. */
export type SignedToken = {
  readonly claims: Claims;
  /** By which it can be revoked: `jti`, or one made of its text where it has none. */
  readonly id: string;
  readonly keyId: string;
};

/** Why a token is none. */
export type TokenFault =
  | "malformed"
  | "unknown_key"
  | "wrong_algorithm"
  | "bad_signature"
  | "bad_claims"
  | "wrong_issuer"
  | "wrong_audience"
  | "expired"
  | "not_yet";

export type TokenReading =
  | { readonly kind: "valid"; readonly token: SignedToken }
  | { readonly kind: "refused"; readonly fault: TokenFault };

const refused = (fault: TokenFault): TokenReading => ({ kind: "refused", fault });

/** The JSON object that a part of a token is the base64url form of: the one form that it has. */
const readPart = (part: string): JsonObject | null => {
  const bytes = Buffer.from(part, "base64url");
  return bytes.toString("base64url") === part ? parseStrictJson(bytes.toString("utf8")) : null;
};

type Parts = { readonly header: JsonObject; readonly payload: JsonObject };

const readParts = (token: string): Parts | null => {
  if (token.length > TOKEN_LENGTH_MAX) return null;
  const [first = "", second = "", third = "", ...others] = token.split(".");
  if (others.length > 0 || third === "") return null;
  // Of another spelling of the same signature there is none: one token is one text.
  if (Buffer.from(third, "base64url").toString("base64url") !== third) return null;
  const header = readPart(first);
  const payload = readPart(second);
  return header === null || payload === null ? null : { header, payload };
};

/** What a token says that nobody has vouched for: to be shown, never to be trusted. */
export const peekToken = (
  token: string,
  sha256: Runtime["sha256"],
): Pick<SignedToken, "claims" | "id"> | null => {
  const parts = readParts(token);
  const claims = parts === null ? null : readClaims(parts.payload);
  return claims === null ? null : { claims, id: tokenIdOf(claims, token, sha256) };
};

/**
 * Whether a header asks for nothing but a signature: no extension that must be understood (RFC 7515,
 * section 4.1.11), no payload that is not encoded (RFC 7797, section 7), no token of another type.
 */
const isPlainHeader = ({ crit, b64, typ }: JsonObject): boolean =>
  crit === undefined &&
  b64 === undefined &&
  (typ === undefined || (typeof typ === "string" && /^(?:JWT|at\+jwt)$/i.test(typ)));

const isSignedWith = async (token: string, key: Key): Promise<boolean> => {
  try {
    await compactVerify(token, key.verifying, { algorithms: [key.algorithm] });
    return true;
  } catch (error) {
    if (error instanceof errors.JOSEError) return false;
    throw error;
  }
};

const tokenIdOf = (claims: Claims, token: string, sha256: Runtime["sha256"]): string => {
  if (claims.tokenId !== null) return claims.tokenId;
  const hash = Buffer.from(sha256(token.slice(0, token.lastIndexOf("."))));
  return `sha256-${hash.toString("base64url")}`;
};

/**
 * Judges a token but for its time: the key that its header names, by id alone; that key's own
 * algorithm and no other (RFC 8725, sections 3.1 and 3.2); the signature; and the claims.
 */
const readToken = async (
  token: string,
  keys: KeySet,
  names: TokenNames,
  sha256: Runtime["sha256"],
): Promise<TokenReading> => {
  const parts = readParts(token);
  if (parts === null) return refused("malformed");
  const { alg, kid } = parts.header;
  if (!isPlainHeader(parts.header)) return refused("malformed");
  if (!keyAlgorithms.some((known) => known === alg)) return refused("wrong_algorithm");
  const key = typeof kid === "string" ? keys.byId.get(kid) : undefined;
  if (key === undefined) return refused("unknown_key");
  if (key.algorithm !== alg) return refused("wrong_algorithm");
  if (!(await isSignedWith(token, key))) return refused("bad_signature");
  const claims = readClaims(parts.payload);
  if (claims === null) return refused("bad_claims");
  if (claims.issuer !== names.issuer) return refused("wrong_issuer");
  if (!claims.audiences.includes(names.audience)) return refused("wrong_audience");
  return { kind: "valid", token: { claims, id: tokenIdOf(claims, token, sha256), keyId: key.id } };
};

export type VerifyToken = (token: string) => Promise<TokenReading>;

/**
 * Judges tokens, and remembers the good ones, so that the next request with one costs a look-up.
 * What is remembered goes when the keys change; the time is asked at each use. Spec: TOKEN-*.
 */
export const createVerifyToken = (deps: {
  readonly keyRing: Pick<KeyRing, "current">;
  readonly names: TokenNames;
  readonly runtime: Pick<Runtime, "now" | "sha256">;
}): { readonly verify: VerifyToken; readonly remembered: () => number } => {
  const { keyRing, names, runtime } = deps;
  const cache = createTokenCache<SignedToken>();
  let keys = keyRing.current();
  const currentKeys = (): KeySet => {
    const current = keyRing.current();
    if (current !== keys) cache.clear();
    keys = current;
    return current;
  };
  const inTime = (token: SignedToken): TokenReading => {
    const timeliness = timelinessOf(token.claims, stampToMillis(runtime.now()) / 1000);
    return timeliness === "valid" ? { kind: "valid", token } : refused(timeliness);
  };
  const verify: VerifyToken = async (text) => {
    const judgedBy = currentKeys();
    const known = cache.get(text);
    if (known !== undefined) return inTime(known);
    const reading = await readToken(text, judgedBy, names, runtime.sha256);
    if (reading.kind === "refused") return reading;
    const timely = inTime(reading.token);
    // The keys may have changed during the look at the signature.
    if (timely.kind === "valid" && currentKeys() === judgedBy) cache.set(text, reading.token);
    return timely;
  };
  return { verify, remembered: cache.size };
};
