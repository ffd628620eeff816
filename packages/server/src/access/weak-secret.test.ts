import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { secretWeakness } from "./weak-secret.ts";

const filled = (text: string, length = 48): string =>
  text.repeat(Math.ceil(length / text.length)).slice(0, length);

describe("[TOKEN-5] a secret is refused", () => {
  test.each([
    ["empty", ""],
    ["one byte short", "k7Gq2mXw9RtVb4Zs8Yc1Nf6Hd3Jp0La"],
    ["a known word", "secret"],
  ])("that is shorter than its hash: %s", (_, text) => {
    expect(secretWeakness(Buffer.from(text))).toMatch(/^must be at least 32 bytes, and is \d+$/);
  });

  const words = ["secret", "changeme", "your-256-bit-secret", "password", "synchro", "0123456789"];

  test.each([
    ...words.map((word) => [`${word} again and again`, filled(word)]),
    ...words.map((word) => [`${word} in capitals`, filled(word.toUpperCase())]),
    ...words.map((word) => [`${word} with zeros after it`, word.padEnd(40, "0")]),
    ...words.map((word) => [`${word} with NULs after it`, word.padEnd(32, "\0")]),
    ...words.map((word) => [
      `${word} in base64`,
      Buffer.from(filled(word, 40)).toString("base64url"),
    ]),
    ...words.map((word) => [`${word} in hex`, Buffer.from(filled(word, 40)).toString("hex")]),
    ["jwt.io's", "a-string-secret-at-least-256-bits-long"],
    [
      "jwt.io's for 512 bits",
      "a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long",
    ],
    ["one byte", "a".repeat(64)],
    ["seven different bytes", filled("aBcDeFg", 64)],
    ["counting up", String.fromCharCode(...Array.from({ length: 64 }, (_, at) => at + 32))],
    ["a shorter one twice", filled("k7Gq2mXw9RtVb4Zs")],
    ["a shorter one, padded", "k7Gq2mXw9RtVb4Zs8Yc1".padEnd(40, "=")],
  ])("%s", (_, text) => {
    expect(secretWeakness(Buffer.from(text, "latin1"))).not.toBeNull();
  });

  test("that stands in RFC 7515 for all to read", () => {
    const key =
      "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    expect(secretWeakness(Buffer.from(key, "base64url"))).toMatch(/well-known/);
  });
});

test("[TOKEN-5] 32 bytes or more that were drawn are taken, raw, in hex and in base64", () => {
  for (let times = 0; times < 200; times += 1) {
    const bytes = randomBytes(32 + (times % 33));
    expect(secretWeakness(bytes)).toBeNull();
    expect(secretWeakness(Buffer.from(bytes.toString("hex")))).toBeNull();
    expect(secretWeakness(Buffer.from(bytes.toString("base64")))).toBeNull();
  }
});

test("[TOKEN-5] a refusal tells no part of the secret", () => {
  const words = fc.constantFrom("zqzqzqzq", "qj#qj#", "zzqqjjxx");
  fc.assert(
    fc.property(words, fc.integer({ min: 1, max: 64 }), (word, length) => {
      const weakness = secretWeakness(Buffer.from(filled(word, length))) ?? "";
      expect(weakness).not.toBe("");
      for (const letters of ["zq", "qj", "jx"]) expect(weakness).not.toContain(letters);
    }),
    { seed: 20_261_124, numRuns: 100 },
  );
});
