import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey } from "node:crypto";
import { isJsonObject, type JsonObject } from "@synchro/core";
import { importJWK } from "jose";
import { StartError } from "../config/start-error.ts";
import { parseStrictJson } from "./strict-json.ts";
import { secretWeakness } from "./weak-secret.ts";

/** The algorithms that a token may be signed with; there are no others. */
export const keyAlgorithms = ["EdDSA", "HS256"] as const;

export type KeyAlgorithm = (typeof keyAlgorithms)[number];

/** What `jose` signs and verifies with. */
type KeyMaterial = Awaited<ReturnType<typeof importJWK>>;

export type Key = {
  /** Names the key in the header of a token (`kid`). */
  readonly id: string;
  readonly algorithm: KeyAlgorithm;
  readonly verifying: KeyMaterial;
  /** Null: the file has only the public part. */
  readonly signing: KeyMaterial | null;
};

/** The keys of a file at one moment. */
export type KeySet = {
  readonly byId: ReadonlyMap<string, Key>;
  /** The first that can sign; null: tokens can be checked here and not be made. */
  readonly minting: Key | null;
};

const KEYS_MAX = 100;

const ED25519_BYTES = 32;

const keyIdPattern = /^[A-Za-z0-9._-]{1,64}$/;

/** Where a key stands, for refusals: they name the place and the rule, never what stands there. */
type Place = (field: string, rule: string) => StartError;

const readBytes = (place: Place, field: string, value: unknown): Buffer => {
  const bytes = typeof value === "string" ? Buffer.from(value, "base64url") : null;
  if (bytes !== null && bytes.toString("base64url") === value) return bytes;
  throw place(field, "must be bytes in base64url without padding");
};

const readEd25519 = async (place: Place, jwk: JsonObject): Promise<Omit<Key, "id">> => {
  const { crv, x, d } = jwk;
  if (crv !== "Ed25519") throw place("crv", "must be Ed25519");
  if (readBytes(place, "x", x).length !== ED25519_BYTES) throw place("x", "must be 32 bytes");
  const algorithm = "EdDSA";
  const shown = { kty: "OKP", crv, x: x as string };
  try {
    createPublicKey({ key: shown, format: "jwk" });
  } catch {
    throw place("x", "must be an Ed25519 public key");
  }
  const verifying = await importJWK(shown, algorithm);
  if (d === undefined) return { algorithm, verifying, signing: null };
  if (readBytes(place, "d", d).length !== ED25519_BYTES) throw place("d", "must be 32 bytes");
  const whole = { ...shown, d: d as string };
  // The public part that belongs to `d`, whatever stands as `x`.
  const pkcs8 = createPrivateKey({
    key: ed25519Pkcs8(Buffer.from(whole.d, "base64url")),
    format: "der",
    type: "pkcs8",
  });
  if (createPublicKey(pkcs8).export({ format: "jwk" }).x !== x) {
    throw place("d", "must be the private part of x");
  }
  return { algorithm, verifying, signing: await importJWK(whole, algorithm) };
};

/** The private key of RFC 8410, section 7, around its 32 bytes. */
export const ed25519Pkcs8 = (seed: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);

const readSecret = (place: Place, jwk: JsonObject): Omit<Key, "id"> => {
  const bytes = readBytes(place, "k", jwk["k"]);
  const weakness = secretWeakness(bytes);
  if (weakness !== null) throw place("k", weakness);
  const secret = new Uint8Array(bytes);
  return { algorithm: "HS256", verifying: secret, signing: secret };
};

const readKey = async (place: Place, jwk: unknown): Promise<Key> => {
  if (!isJsonObject(jwk)) throw place("", "must be an object");
  const { kid, kty, alg } = jwk;
  if (typeof kid !== "string" || !keyIdPattern.test(kid)) {
    throw place("kid", "must be 1 to 64 letters, digits, dots, hyphens or underscores");
  }
  if (kty !== "OKP" && kty !== "oct") throw place("kty", "must be OKP or oct");
  const wanted: KeyAlgorithm = kty === "OKP" ? "EdDSA" : "HS256";
  if (alg !== wanted) throw place("alg", `must be ${wanted} where kty is ${kty}`);
  const read = kty === "OKP" ? await readEd25519(place, jwk) : readSecret(place, jwk);
  return { id: kid, ...read };
};

/**
 * Reads `{"keys": […]}`, a JWK Set (RFC 7517): members that are not known are ignored.
 *
 * @throws StartError that names `source`, the key's index, the field and the rule; never a secret.
 */
export const readKeys = async (text: string, source: string): Promise<KeySet> => {
  const file = parseStrictJson(text);
  if (file === null) {
    throw new StartError(`${source}: must be one JSON object, with no member twice`);
  }
  const { keys } = file;
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > KEYS_MAX) {
    throw new StartError(`${source}: keys must be an array of 1 to ${KEYS_MAX} keys`);
  }
  const byId = new Map<string, Key>();
  for (const [index, jwk] of keys.entries()) {
    const place: Place = (field, rule) =>
      new StartError(`${source}: keys[${index}]${field === "" ? "" : `.${field}`} ${rule}`);
    const key = await readKey(place, jwk);
    if (byId.has(key.id)) throw place("kid", "stands at another key already");
    byId.set(key.id, key);
  }
  const minting = [...byId.values()].find(({ signing }) => signing !== null) ?? null;
  return { byId, minting };
};
