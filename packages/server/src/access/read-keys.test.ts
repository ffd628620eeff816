import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { edKey, hmacKey, type Jwk, keyFile } from "../../testing/access-fixture.ts";
import { StartError } from "../config/start-error.ts";
import { readKeys } from "./read-keys.ts";

const refusal = async (text: string): Promise<string> => {
  try {
    await readKeys(text, "keys.json");
  } catch (error) {
    if (error instanceof StartError) return error.message;
    throw error;
  }
  throw new Error("was not refused");
};

const whole = edKey("a");
const other = edKey("b");

describe("[TOKEN-4] a file that can't be used is refused by file, key, field and rule", () => {
  test.each<readonly [string, string]>([
    ["", "keys.json: must be one JSON object, with no member twice"],
    ["[]", "keys.json: must be one JSON object, with no member twice"],
    ['{"keys":[', "keys.json: must be one JSON object, with no member twice"],
    ['{"keys":[],"keys":[]}', "keys.json: must be one JSON object, with no member twice"],
    ["{}", "keys.json: keys must be an array of 1 to 100 keys"],
    ['{"keys":[]}', "keys.json: keys must be an array of 1 to 100 keys"],
    ['{"keys":{}}', "keys.json: keys must be an array of 1 to 100 keys"],
    ['{"keys":[1]}', "keys.json: keys[0] must be an object"],
  ])("%s", async (text, line) => {
    expect(await refusal(text)).toBe(line);
  });

  const kid = "kid must be 1 to 64 letters, digits, dots, hyphens or underscores";
  const bytes = "must be bytes in base64url without padding";
  test.each<readonly [Jwk, string]>([
    [{ ...whole, kid: undefined }, kid],
    [{ ...whole, kid: "" }, kid],
    [{ ...whole, kid: "../../etc/passwd" }, kid],
    [{ ...whole, kid: "a".repeat(65) }, kid],
    [{ ...whole, kid: 7 }, kid],
    [{ ...whole, kty: "RSA" }, "kty must be OKP or oct"],
    [{ ...whole, alg: "HS256" }, "alg must be EdDSA where kty is OKP"],
    [{ ...whole, alg: undefined }, "alg must be EdDSA where kty is OKP"],
    [{ ...whole, crv: "X25519" }, "crv must be Ed25519"],
    [{ ...whole, x: undefined }, `x ${bytes}`],
    [{ ...whole, x: `${String(whole["x"])}=` }, `x ${bytes}`],
    [{ ...whole, x: "AAAA" }, "x must be 32 bytes"],
    [{ ...whole, d: "AAAA" }, "d must be 32 bytes"],
    [{ ...whole, d: 1 }, `d ${bytes}`],
    [{ ...whole, d: other["d"] }, "d must be the private part of x"],
    [{ ...hmacKey("a"), alg: "EdDSA" }, "alg must be HS256 where kty is oct"],
    [{ ...hmacKey("a"), alg: "none" }, "alg must be HS256 where kty is oct"],
    [{ ...hmacKey("a"), k: undefined }, `k ${bytes}`],
    [{ ...hmacKey("a"), k: "a b" }, `k ${bytes}`],
    [hmacKey("a", Buffer.from("secret")), "k must be at least 32 bytes, and is 6"],
  ])("%#", async (key, rule) => {
    expect(await refusal(keyFile(other, key))).toBe(`keys.json: keys[1].${rule}`);
  });

  test("a default secret, before and after it was encoded", async () => {
    const secret = Buffer.from("your-256-bit-secret".repeat(2));
    for (const form of [secret, Buffer.from(secret.toString("base64"))]) {
      expect(await refusal(keyFile(hmacKey("a", form)))).toMatch(
        /^keys\.json: keys\[0\]\.k is a well-known secret/,
      );
    }
  });

  test("two keys of one name", async () => {
    expect(await refusal(keyFile(whole, hmacKey("a")))).toBe(
      "keys.json: keys[1].kid stands at another key already",
    );
  });

  test("and never tells what stands there", async () => {
    const marked = Buffer.from("canary-secret-canary-secret");
    const texts = [
      keyFile(hmacKey("a", marked)),
      keyFile({ ...whole, d: marked.toString("base64url") }),
      keyFile({ ...hmacKey("a"), kty: "x", k: "canary" }),
      `{"keys":[{"k":"canary"`,
      `{"keys":[{"k":"canary","k":"canary"}]}`,
    ];
    for (const text of texts) {
      expect(await refusal(text)).not.toMatch(/canary|Y2FuYXJ5/);
    }
  });
});

describe("[TOKEN-4] keys", () => {
  test("the first that can sign makes tokens, all check them", async () => {
    const { d: _, ...shown } = edKey("public");
    const keys = await readKeys(keyFile(shown, whole, hmacKey("c")), "keys.json");
    expect([...keys.byId.keys()]).toEqual(["public", "a", "c"]);
    expect(keys.minting?.id).toBe("a");
    expect(keys.byId.get("public")?.signing).toBeNull();
  });

  test("with public parts alone check, and make none", async () => {
    const { d: _, ...shown } = whole;
    expect((await readKeys(keyFile(shown), "keys.json")).minting).toBeNull();
  });

  test("may have members that are not known here, as RFC 7517 says", async () => {
    const keys = await readKeys(
      JSON.stringify({ keys: [{ ...whole, use: "sig", x5c: [] }], issuer: "x" }),
      "keys.json",
    );
    expect(keys.minting?.algorithm).toBe("EdDSA");
  });

  test("a secret that was drawn is taken", async () => {
    const keys = await readKeys(keyFile(hmacKey("a", randomBytes(64))), "keys.json");
    expect(keys.minting?.algorithm).toBe("HS256");
  });
});
