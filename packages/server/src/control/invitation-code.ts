import type { Runtime } from "@synchro/core";
import { toHex } from "@synchro/core";

/** Crockford's base 32: no I, L, O (read as digits) and no U. https://www.crockford.com/base32.html */
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

const LENGTH = 12;
const GROUP_LENGTH = 4;

/** 60 random bits as 12 characters in groups of 4: `7KQ4-M2XD-9RTA`. Spec: DEVICE-1. */
export const drawInvitationCode = (runtime: Pick<Runtime, "randomBytes">): string => {
  const characters = Array.from(runtime.randomBytes(LENGTH), (byte) => ALPHABET[byte % 32] ?? "0");
  const groups: string[] = [];
  for (let at = 0; at < LENGTH; at += GROUP_LENGTH) {
    groups.push(characters.slice(at, at + GROUP_LENGTH).join(""));
  }
  return groups.join("-");
};

const asTyped: { readonly [letter: string]: string } = { O: "0", I: "1", L: "1" };

/** The code that a typed text means: case, spaces and dashes aside, O as 0, I and L as 1; null if none can be meant. Spec: DEVICE-2. */
export const normaliseCode = (text: string): string | null => {
  const code = text
    .replaceAll(/[\s\p{Pd}]/gu, "")
    .toUpperCase()
    .replaceAll(/[OIL]/g, (letter) => asTyped[letter] ?? letter);
  if (code.length !== LENGTH) return null;
  return Array.from(code).every((character) => ALPHABET.includes(character)) ? code : null;
};

/** What is kept of a code or a secret: SHA-256 in hexadecimal. Both are random, so they need no salt. */
export const hashOfSecret = (runtime: Pick<Runtime, "sha256">, secret: string): string =>
  toHex(runtime.sha256(secret));
