import { createHash } from "node:crypto";
import { toHex } from "@synchro/core";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { sha256 } from "./sha256.ts";

const expected = (text: string): string => createHash("sha256").update(text).digest("hex");

test("the examples of FIPS 180-4", () => {
  expect(toHex(sha256(""))).toBe(
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  );
  expect(toHex(sha256("abc"))).toBe(
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
  expect(toHex(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))).toBe(
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
  );
});

test("every length around the edges of a block, and after a longer text", () => {
  sha256("\u{10ffff}".repeat(3_000));
  for (let length = 0; length <= 200; length += 1) {
    const text = "é".repeat(length % 3) + "x".repeat(length);
    expect(toHex(sha256(text))).toBe(expected(text));
  }
});

test("any text hashes as the platform hashes it", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 400 }), (text) => {
      expect(toHex(sha256(text))).toBe(expected(text));
    }),
  );
});
