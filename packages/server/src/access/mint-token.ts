import { type Runtime, type Stamp, stampFromMillis, stampToMillis, toHex } from "@synchro/core";
import { CompactSign } from "jose";
import type { Device } from "../control/control-store.ts";
import { TOKEN_SPACES_MAX } from "./claims.ts";
import type { Grants } from "./grants.ts";
import type { KeyRing } from "./key-ring.ts";
import { TOKEN_LENGTH_MAX, type TokenNames } from "./verify-token.ts";

/** For how long a device's token is good; it renews it before. */
const DEVICE_TOKEN_S = 3_600;

const TOKEN_ID_BYTES = 16;

export type MintedToken = {
  readonly token: string;
  /** By which it can be revoked. */
  readonly id: string;
  readonly expiresAt: Stamp;
};

/** What came of a wish for a token. */
export type Minting =
  | ({ readonly kind: "minted" } & MintedToken)
  /** No key of the ring can sign. */
  | { readonly kind: "no_signing_key" }
  /** So many spaces make a token that no server would read. */
  | { readonly kind: "too_large" };

export type TokenWish = {
  readonly subject: string;
  readonly grants: Grants;
  readonly expiresInS: number;
  readonly device?: Device["id"];
};

type MintDeps = {
  readonly keyRing: Pick<KeyRing, "current">;
  readonly names: TokenNames;
  readonly runtime: Pick<Runtime, "now" | "randomBytes">;
};

const utf8 = new TextEncoder();

/** Makes tokens, signed with the first key of the ring that can sign. Spec: TOKEN-*. */
export const createMintToken =
  ({ keyRing, names, runtime }: MintDeps) =>
  async (wish: TokenWish): Promise<Minting> => {
    const key = keyRing.current().minting;
    if (key === null || key.signing === null) return { kind: "no_signing_key" };
    if (wish.grants.size > TOKEN_SPACES_MAX) return { kind: "too_large" };
    const issuedAt = Math.floor(stampToMillis(runtime.now()) / 1000);
    const id = `t_${toHex(runtime.randomBytes(TOKEN_ID_BYTES))}`;
    const claims = {
      iss: names.issuer,
      aud: names.audience,
      sub: wish.subject,
      jti: id,
      iat: issuedAt,
      exp: issuedAt + wish.expiresInS,
      spaces: Object.fromEntries(wish.grants),
      ...(wish.device === undefined ? {} : { device: wish.device }),
    };
    const token = await new CompactSign(utf8.encode(JSON.stringify(claims)))
      .setProtectedHeader({ alg: key.algorithm, kid: key.id, typ: "JWT" })
      .sign(key.signing);
    if (token.length > TOKEN_LENGTH_MAX) return { kind: "too_large" };
    const expiresAt = stampFromMillis(claims.exp * 1000);
    return { kind: "minted", token, id, expiresAt };
  };

export type MintToken = ReturnType<typeof createMintToken>;

/**
 * The token of a device, good for an hour. Its subject is the device's id: a name is what the
 * device says of itself, and would be taken for a verified author. Rejects where no key can sign:
 * the server was told so when it started.
 */
export const createMintDeviceToken =
  (mint: MintToken) =>
  async (device: Pick<Device, "id" | "grants">): Promise<MintedToken> => {
    const minting = await mint({
      subject: device.id,
      grants: device.grants,
      expiresInS: DEVICE_TOKEN_S,
      device: device.id,
    });
    if (minting.kind === "minted") return minting;
    throw new Error(`a device can't be given a token: ${minting.kind}`);
  };
