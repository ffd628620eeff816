import { generateKeyPairSync } from "node:crypto";
import { defaultLimits, type Limits } from "@synchro/protocol";
import { pino } from "pino";
import { type Access, createAccess } from "../src/access/create-access.ts";
import type { Grants } from "../src/access/grants.ts";
import type { KeyRing } from "../src/access/key-ring.ts";
import { createMintToken, type TokenWish } from "../src/access/mint-token.ts";
import { type KeySet, readKeys } from "../src/access/read-keys.ts";
import { createVerifyToken } from "../src/access/verify-token.ts";
import type { AccessState, ControlStore } from "../src/control/control-store.ts";
import { systemRuntime } from "../src/system-runtime.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** A key as it stands in a key file. */
export type Jwk = { readonly [member: string]: unknown };

export const edKey = (kid: string): Jwk => ({
  kid,
  alg: "EdDSA",
  ...generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" }),
});

export const hmacKey = (kid: string, secret: Uint8Array = systemRuntime.randomBytes(32)): Jwk => ({
  kid,
  kty: "oct",
  alg: "HS256",
  k: Buffer.from(secret).toString("base64url"),
});

export const keyFile = (...keys: readonly Jwk[]): string => JSON.stringify({ keys });

/** A ring that a test may exchange the keys of. */
export type TestKeyRing = KeyRing & { readonly replace: (keys: KeySet) => void };

export const testKeyRing = async (...keys: readonly Jwk[]): Promise<TestKeyRing> => {
  let current = await readKeys(keyFile(...keys), "keys.json");
  return {
    current: () => current,
    replace: (others) => {
      current = others;
    },
    stop: () => {},
  };
};

export const names = { issuer: "synchro", audience: "synchro" } as const;

const noState: AccessState = {
  deletedSpaces: new Set(),
  recordsMax: new Map(),
  revokedTokens: new Set(),
  revokedDevices: new Set(),
};

export const grantsOf = (spaces: { readonly [space: string]: string }): Grants =>
  new Map(Object.entries(spaces)) as unknown as Grants;

/** Tokens and who may, over a control store that is a variable. */
export type TestAccess = Access & {
  readonly ring: TestKeyRing;
  readonly verify: ReturnType<typeof createVerifyToken>["verify"];
  /** Makes a token for spaces by their levels. */
  readonly token: (
    spaces: { readonly [space: string]: string },
    more?: Partial<TokenWish>,
  ) => Promise<string>;
  /** From now on, as other processes see it. */
  readonly change: (state: Partial<AccessState>) => void;
  /** From now on the control store can't be read: it fails, or never answers. */
  readonly breakControl: (how: "fails" | "hangs" | "works") => void;
};

export const testAccess = async (
  time: Pick<VirtualTime, "runtime">,
  limits: Partial<Limits> = {},
  store: Pick<ControlStore, "readAccess"> | null = null,
): Promise<TestAccess> => {
  const { runtime } = time;
  const keyRing = await testKeyRing(edKey("first"));
  const { verify } = createVerifyToken({ keyRing, names, runtime });
  const mint = createMintToken({ keyRing, names, runtime });
  let state = noState;
  let control: "fails" | "hangs" | "works" = "works";
  const readAccess = (): Promise<AccessState> => {
    if (control === "hangs") return new Promise(() => {});
    if (control === "fails") return Promise.reject(new Error("broken"));
    return store?.readAccess() ?? Promise.resolve(state);
  };
  const access = createAccess({
    verify,
    control: { readAccess },
    runtime,
    limits: { ...defaultLimits, ...limits },
    logger: pino({ level: "silent" }),
  });
  return {
    ...access,
    ring: keyRing,
    verify,
    token: async (spaces, more = {}) => {
      const wish = { subject: "ann", grants: grantsOf(spaces), expiresInS: 3_600, ...more };
      const minting = await mint(wish);
      if (minting.kind !== "minted") throw new Error(minting.kind);
      return minting.token;
    },
    change: (more) => {
      state = { ...state, ...more };
    },
    breakControl: (how) => {
      control = how;
    },
  };
};
