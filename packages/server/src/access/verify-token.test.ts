import { createHmac, createPrivateKey, createPublicKey, sign } from "node:crypto";
import { stampToMillis } from "@synchro/core";
import { beforeEach, describe, expect, test } from "vitest";
import {
  edKey,
  grantsOf,
  hmacKey,
  type Jwk,
  keyFile,
  names,
  testKeyRing,
  type TestKeyRing,
} from "../../testing/access-fixture.ts";
import { VirtualTime } from "../../testing/virtual-time.ts";
import type { DeviceId } from "../control/control-store.ts";
import { createMintDeviceToken, createMintToken, type MintToken } from "./mint-token.ts";
import { readKeys } from "./read-keys.ts";
import { createVerifyToken, type TokenReading, type VerifyToken } from "./verify-token.ts";

const ed = edKey("ed");
const secret = Buffer.alloc(32, 1).map((_, at) => (at * 37 + 11) ^ (at * at)) as Buffer;
const hmac = hmacKey("hs", secret);

let time: VirtualTime;
let ring: TestKeyRing;
let verify: VerifyToken;
let remembered: () => number;
let mint: MintToken;
beforeEach(async () => {
  time = new VirtualTime();
  ring = await testKeyRing(ed, hmac);
  ({ verify, remembered } = createVerifyToken({ keyRing: ring, names, runtime: time.runtime }));
  mint = createMintToken({ keyRing: ring, names, runtime: time.runtime });
});

const nowS = (): number => stampToMillis(time.runtime.now()) / 1000;

const part = (value: unknown): string =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

const signEd = (input: string, key: Jwk = ed): string =>
  sign(null, Buffer.from(input), createPrivateKey({ key, format: "jwk" })).toString("base64url");

const signHmac = (input: string, key: Uint8Array = secret): string =>
  createHmac("sha256", key).update(input).digest("base64url");

const goodClaims = () => ({
  iss: "synchro",
  aud: "synchro",
  sub: "ann",
  jti: "t_1",
  iat: nowS(),
  exp: nowS() + 600,
  spaces: { "malmo-1": "write", "*": "read" },
});

/** A token whose header and claims are as they are given, and whose signature is good. */
const signed = (
  claims: unknown,
  header: unknown = { alg: "EdDSA", kid: "ed" },
  signer: (input: string) => string = signEd,
): string => {
  const input = `${part(header)}.${part(claims)}`;
  return `${input}.${signer(input)}`;
};

const faultOf = (reading: TokenReading): string =>
  reading.kind === "valid" ? "valid" : reading.fault;

const fault = async (token: string): Promise<string> => faultOf(await verify(token));

const without = (name: string): object => {
  const claims: { [name: string]: unknown } = goodClaims();
  delete claims[name];
  return claims;
};

describe("[TOKEN-2] a signature that vouches for nothing", () => {
  test.each(["none", "None", "NONE", "", "HS384", "RS256", "ES256", "Ed25519", "HS256", null, 7])(
    "alg %j with the key's name, unsigned or signed",
    async (alg) => {
      const header = { alg, kid: "ed" };
      expect(await fault(signed(goodClaims(), header))).toBe("wrong_algorithm");
      expect(await fault(`${part(header)}.${part(goodClaims())}.`)).toBe("malformed");
      expect(await fault(`${part(header)}.${part(goodClaims())}`)).toBe("malformed");
    },
  );

  test("HMAC with the public key as the secret, in every form it has", async () => {
    const shown = createPublicKey({ key: ed, format: "jwk" });
    const forms: readonly (string | Buffer)[] = [
      Buffer.from(String(ed["x"]), "base64url"),
      String(ed["x"]),
      shown.export({ format: "der", type: "spki" }),
      shown.export({ format: "pem", type: "spki" }),
      JSON.stringify(shown.export({ format: "jwk" })),
    ];
    for (const form of forms) {
      for (const kid of ["ed", "hs"]) {
        const token = signed(goodClaims(), { alg: "HS256", kid }, (input) =>
          signHmac(input, Buffer.from(form)),
        );
        expect(await fault(token)).toBe(kid === "ed" ? "wrong_algorithm" : "bad_signature");
      }
    }
  });

  test("EdDSA under the name of a secret", async () => {
    expect(await fault(signed(goodClaims(), { alg: "EdDSA", kid: "hs" }))).toBe("wrong_algorithm");
  });

  test.each([
    undefined,
    "",
    "other",
    "ED",
    "../ed",
    "ed\n",
    "__proto__",
    "constructor",
    "file:///dev/null",
    7,
    ["ed"],
    null,
  ])("kid %j", async (kid) => {
    expect(await fault(signed(goodClaims(), { alg: "EdDSA", kid }))).toBe("unknown_key");
  });

  test("a key that the token brings along, or points to", async () => {
    const mine = edKey("mine");
    const { d: _, ...jwk } = mine;
    const more = { jwk, jku: "https://evil.example/keys", x5u: "https://evil.example/x" };
    const by = (input: string): string => signEd(input, mine);
    expect(await fault(signed(goodClaims(), { alg: "EdDSA", kid: "mine", ...more }, by))).toBe(
      "unknown_key",
    );
    expect(await fault(signed(goodClaims(), { alg: "EdDSA", kid: "ed", ...more }, by))).toBe(
      "bad_signature",
    );
  });

  test.each([
    { crit: ["b64"], b64: false },
    { b64: false },
    { crit: ["exp"], exp: 1 },
    { crit: [] },
  ])("a header with what must be understood and is not: %j", async (more) => {
    expect(await fault(signed(goodClaims(), { alg: "EdDSA", kid: "ed", ...more }))).toBe(
      "malformed",
    );
  });

  test("of another token's claims", async () => {
    const token = signed(goodClaims());
    const [header, , signature] = token.split(".");
    const forged = part({ ...goodClaims(), spaces: { "*": "admin" } });
    expect(await fault(`${header}.${forged}.${signature}`)).toBe("bad_signature");
  });

  test("with one bit changed, or in another spelling", async () => {
    const token = signed(goodClaims());
    const at = token.lastIndexOf(".") + 1;
    const bytes = Buffer.from(token.slice(at), "base64url");
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    expect(await fault(token.slice(0, at) + bytes.toString("base64url"))).toBe("bad_signature");
    for (const other of [`${token}=`, `${token} `, ` ${token}`, `${token}\n`, `${token}.`]) {
      expect(await fault(other)).toBe("malformed");
    }
    const last = token.at(-1) ?? "";
    const twin = Array.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
      .map((letter) => token.slice(0, -1) + letter)
      .filter((text) => !text.endsWith(last))
      .filter((text) => {
        const same = Buffer.from(text.slice(at), "base64url");
        return same.equals(Buffer.from(token.slice(at), "base64url"));
      });
    expect(twin.length).toBeGreaterThan(0);
    for (const text of twin) expect(await fault(text)).toBe("malformed");
  });

  test.each(["", ".", "..", "a.b.c", "a.b.c.d.e", "x".repeat(9_000), "null.null.null"])(
    "no token at all: %#",
    async (text) => {
      expect(await fault(text)).toBe("malformed");
    },
  );

  test("a header of another type of token", async () => {
    const header = { alg: "EdDSA", kid: "ed", typ: "dpop+jwt" };
    expect(await fault(signed(goodClaims(), header))).toBe("malformed");
  });
});

describe("[TOKEN-3] claims that are not good", () => {
  test.each(["exp", "sub", "spaces"])("%s missing", async (name) => {
    expect(await fault(signed(without(name)))).toBe("bad_claims");
  });

  test.each(["iss", "aud"])("%s missing", async (name) => {
    expect(await fault(signed(without(name)))).toBe("bad_claims");
  });

  test.each([
    [{ exp: "4102444800" }],
    [{ exp: null }],
    [{ exp: -1 }],
    [{ exp: 1e15 }],
    [{ nbf: "now" }],
    [{ iat: null }],
    [{ sub: "" }],
    [{ sub: 7 }],
    [{ sub: "a".repeat(129) }],
    [{ jti: "" }],
    [{ jti: 7 }],
    [{ device: "d_1" }],
    [{ device: "D_00000000000000000000" }],
    [{ spaces: {} }],
    [{ spaces: [] }],
    [{ spaces: "*" }],
    [{ spaces: { "malmo-1": "WRITE" } }],
    [{ spaces: { "malmo-1": "owner" } }],
    [{ spaces: { "malmo-1": true } }],
    [{ spaces: { "Malmo-1": "read" } }],
    [{ spaces: { "**": "read" } }],
    [{ spaces: { "malmo-*": "read" } }],
    [{ spaces: { "": "read" } }],
    [{ spaces: Object.fromEntries(Array.from({ length: 257 }, (_, n) => [`s${n}`, "read"])) }],
  ])("%j", async (more) => {
    expect(await fault(signed({ ...goodClaims(), ...more }))).toBe("bad_claims");
  });

  test("a member that stands twice, in claims, in spaces or in the header", async () => {
    const claims = JSON.stringify(goodClaims());
    const twice = [
      claims.replace('"sub":"ann"', '"sub":"ann","sub":"bo"'),
      claims.replace('"*":"read"', '"*":"read","*":"admin"'),
      claims.replace('"sub"', '"s\\u0075b":"bo","sub"'),
    ];
    for (const text of twice) {
      expect(text).not.toBe(claims);
      expect(await fault(signed(text))).toBe("malformed");
    }
    expect(await fault(signed(claims, '{"alg":"none","alg":"EdDSA","kid":"ed"}'))).toBe(
      "malformed",
    );
  });

  test("members that would reach a prototype", async () => {
    const claims = JSON.stringify(goodClaims()).replace("{", '{"__proto__":{"spaces":{}},');
    expect(await fault(signed(claims))).toBe("malformed");
  });

  test.each(["synchro2", "SYNCHRO", "", "synchro/"])("made by %j", async (iss) => {
    expect(await fault(signed({ ...goodClaims(), iss }))).toBe("wrong_issuer");
  });

  test.each([["other"], [""], [["other", "Synchro"]], [[]]])("for %j", async (aud) => {
    expect(await fault(signed({ ...goodClaims(), aud }))).toBe("wrong_audience");
  });

  test("for somebody of another type", async () => {
    expect(await fault(signed({ ...goodClaims(), aud: [7] }))).toBe("bad_claims");
  });

  test("of more than 8 KiB, though all is good", async () => {
    expect(await fault(signed({ ...goodClaims(), more: "x".repeat(7_000) }))).toBe("malformed");
  });

  test("that is not valid yet, beyond a minute of leeway", async () => {
    expect(await fault(signed({ ...goodClaims(), nbf: nowS() + 61 }))).toBe("not_yet");
    expect(await fault(signed({ ...goodClaims(), iat: nowS() + 61 }))).toBe("not_yet");
    expect(await fault(signed({ ...goodClaims(), nbf: nowS() + 60 }))).toBe("valid");
  });

  test("that has expired, without leeway", async () => {
    expect(await fault(signed({ ...goodClaims(), exp: nowS() }))).toBe("expired");
    expect(await fault(signed({ ...goodClaims(), exp: nowS() + 1 }))).toBe("valid");
  });
});

describe("a good token", () => {
  test("[TOKEN-1] says who, where and what", async () => {
    const device = "d_0123456789abcdef0123" as DeviceId;
    const reading = await verify(signed({ ...goodClaims(), device, aud: ["x", "synchro"] }));
    if (reading.kind === "refused") throw new Error(reading.fault);
    expect(reading.token).toMatchObject({ id: "t_1", keyId: "ed" });
    expect(reading.token.claims).toMatchObject({ subject: "ann", device });
    expect([...reading.token.claims.grants]).toEqual([
      ["malmo-1", "write"],
      ["*", "read"],
    ]);
  });

  test("[TOKEN-2] may be signed with a secret, by its own name", async () => {
    const header = { alg: "HS256", kid: "hs", typ: "JWT" };
    expect(await fault(signed(goodClaims(), header, signHmac))).toBe("valid");
  });

  test("[TOKEN-7] without an id has one that is made of what was signed", async () => {
    const one = await verify(signed(without("jti")));
    const other = await verify(signed({ ...without("jti"), sub: "bo" }));
    if (one.kind === "refused" || other.kind === "refused") throw new Error("refused");
    expect(one.token.id).toMatch(/^sha256-[\w-]{43}$/);
    expect(other.token.id).not.toBe(one.token.id);
  });

  test("[TOKEN-3] is remembered, and expires all the same", async () => {
    const token = signed(goodClaims());
    expect(await fault(token)).toBe("valid");
    expect(remembered()).toBe(1);
    await time.advance(599_999);
    expect(await fault(token)).toBe("valid");
    await time.advance(1);
    expect(await fault(token)).toBe("expired");
  });

  test("[TOKEN-6] is forgotten when the keys change, and refused where its key is gone", async () => {
    const token = signed(goodClaims());
    expect(await fault(token)).toBe("valid");
    ring.replace(await readKeys(keyFile(edKey("new"), ed), "keys.json"));
    expect(await fault(token)).toBe("valid");
    expect(remembered()).toBe(1);
    ring.replace(await readKeys(keyFile(edKey("ed")), "keys.json"));
    expect(await fault(token)).toBe("bad_signature");
    expect(remembered()).toBe(0);
    ring.replace(await readKeys(keyFile(edKey("new")), "keys.json"));
    expect(await fault(token)).toBe("unknown_key");
  });

  test("and no bad one is remembered", async () => {
    for (let n = 0; n < 20; n += 1) await verify(signed({ ...goodClaims(), iss: `evil-${n}` }));
    await verify(signed({ ...goodClaims(), exp: nowS() }));
    expect(remembered()).toBe(0);
  });

  test("one of 10,001 is forgotten, and good again", async () => {
    const token = (n: number): string =>
      signed({ ...goodClaims(), jti: `t_${n}` }, { alg: "HS256", kid: "hs" }, signHmac);
    for (let n = 0; n <= 10_000; n += 1) await verify(token(n));
    expect(remembered()).toBe(10_000);
    expect(await fault(token(0))).toBe("valid");
  });
});

describe("a token that is made here", () => {
  test("[TOKEN-7] is good, has an id of its own and ends as was asked", async () => {
    const wish = { subject: "ann", grants: grantsOf({ a: "read" }), expiresInS: 60 };
    const one = await mint(wish);
    const other = await mint(wish);
    if (one.kind !== "minted" || other.kind !== "minted") throw new Error("not minted");
    expect(one.id).toMatch(/^t_[0-9a-f]{32}$/);
    expect(other.id).not.toBe(one.id);
    expect(one.expiresAt).toBe("2026-11-24T10:01:00.000000Z");
    expect(await verify(one.token)).toMatchObject({ kind: "valid", token: { id: one.id } });
    await time.advance(60_000);
    expect(await fault(one.token)).toBe("expired");
  });

  test("[TOKEN-12] for a device is good for an hour, and its subject is the device", async () => {
    const id = "d_0123456789abcdef0123" as DeviceId;
    const minted = await createMintDeviceToken(mint)({ id, grants: grantsOf({ a: "write" }) });
    const reading = await verify(minted.token);
    expect(reading).toMatchObject({ token: { claims: { device: id, subject: id } } });
    await time.advance(3_600_000);
    expect(await fault(minted.token)).toBe("expired");
  });

  test("needs a key that can sign", async () => {
    const { d: _, ...shown } = ed;
    ring.replace(await readKeys(keyFile(shown), "keys.json"));
    const wish = { subject: "ann", grants: grantsOf({ a: "read" }), expiresInS: 60 };
    expect(await mint(wish)).toEqual({ kind: "no_signing_key" });
  });

  test("holds no more spaces than a server reads", async () => {
    const long = (count: number, length: number) =>
      grantsOf(
        Object.fromEntries(
          Array.from({ length: count }, (_, n) => [`s${n}`.padEnd(length, "x"), "read"]),
        ),
      );
    const wish = { subject: "ann", expiresInS: 60 };
    expect(await mint({ ...wish, grants: long(257, 5) })).toEqual({ kind: "too_large" });
    expect(await mint({ ...wish, grants: long(200, 63) })).toEqual({ kind: "too_large" });
    const minted = await mint({ ...wish, grants: long(256, 5) });
    if (minted.kind !== "minted") throw new Error(minted.kind);
    expect(await fault(minted.token)).toBe("valid");
  });
});
