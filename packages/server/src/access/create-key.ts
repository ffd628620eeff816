import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey } from "node:crypto";
import { formatStamp, type JsonObject, type Runtime, toHex } from "@synchro/core";
import { ed25519Pkcs8, type KeyAlgorithm } from "./read-keys.ts";

/** Twice what the hash needs: no more can be asked of a secret. */
const SECRET_BYTES = 64;

const ED25519_SEED_BYTES = 32;

/** The day, and enough to tell two of one day apart. */
const drawKeyId = (runtime: Pick<Runtime, "now" | "randomBytes">): string =>
  `${formatStamp(runtime.now()).slice(0, 10)}-${toHex(runtime.randomBytes(3))}`;

/** A new key with its private part, as it stands in a key file (RFC 7517, RFC 8037). */
export const createKey = (
  algorithm: KeyAlgorithm,
  runtime: Pick<Runtime, "now" | "randomBytes">,
): JsonObject & { readonly kid: string } => {
  const kid = drawKeyId(runtime);
  if (algorithm === "HS256") {
    const k = Buffer.from(runtime.randomBytes(SECRET_BYTES)).toString("base64url");
    return { kid, kty: "oct", alg: algorithm, k };
  }
  const seed = runtime.randomBytes(ED25519_SEED_BYTES);
  const key = createPrivateKey({ key: ed25519Pkcs8(seed), format: "der", type: "pkcs8" });
  const { x = "" } = createPublicKey(key).export({ format: "jwk" });
  const d = Buffer.from(seed).toString("base64url");
  return { kid, kty: "OKP", crv: "Ed25519", alg: algorithm, x, d };
};
