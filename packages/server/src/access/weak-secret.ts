import { Buffer } from "node:buffer";

/** A secret of HMAC-SHA-256 is at least as long as its output (RFC 7518, section 3.2). */
const SECRET_BYTES_MIN = 32;

const DISTINCT_BYTES_MIN = 8;

/** So many equal bytes at an end are there to fill up. */
const PADDING_BYTES_MIN = 4;

/** Secrets of manuals and of habit, lower case. Whoever may guess tries these first. */
const wellKnown: readonly string[] = [
  "secret",
  "secretkey",
  "secret-key",
  "secret_key",
  "supersecret",
  "super-secret",
  "topsecret",
  "mysecret",
  "jwtsecret",
  "jwt-secret",
  "jwt_secret",
  "shhhhh",
  "changeme",
  "change-me",
  "change_me",
  "changeit",
  "change-this",
  "replaceme",
  "replace-me",
  "password",
  "passw0rd",
  "letmein",
  "admin",
  "default",
  "example",
  "test",
  "development",
  "synchro",
  "synchro-secret",
  "keyboard cat",
  "qwerty",
  "qwertyuiopasdfghjklzxcvbnm123456",
  "0123456789",
  "1234567890",
  "0123456789abcdef",
  "abcdefghijklmnopqrstuvwxyz",
  "abcdefghijklmnopqrstuvwxyz0123456789",
  "abcdefghijklmnopqrstuvwxyz123456",
  // jwt.io, before and now.
  "your-256-bit-secret",
  "your-384-bit-secret",
  "your-512-bit-secret",
  "your-secret-key",
  "a-string-secret-at-least-256-bits-long",
  "a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long",
  // Other manuals.
  "my-32-character-ultra-secure-and-ultra-long-secret",
  "super-secret-jwt-token-with-at-least-32-characters-long",
  "this-is-a-very-long-secret-key-that-is-at-least-32-characters",
  "!changethismercurehubjwtsecretkey!",
  "cc7e0d44fd473002f1c42167459001140ec6389b7353f8088f4d9a95f2f596f2",
];

/** The keys of RFC 7515, appendix A.1, and RFC 7517, appendix A.3. */
const publishedKeys: readonly Buffer[] = [
  "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
  "GawgguFyGrWKav7AX4VKUg",
].map((text) => Buffer.from(text, "base64url"));

/** The smallest length after which the bytes begin again; their own length if they never do. */
const periodOf = (bytes: Buffer): number => {
  for (let period = 1; period <= bytes.length / 2; period += 1) {
    if (bytes.subarray(period).equals(bytes.subarray(0, bytes.length - period))) return period;
  }
  return bytes.length;
};

const withoutPadding = (bytes: Buffer): Buffer => {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === bytes.at(-1)) end -= 1;
  return bytes.length - end >= PADDING_BYTES_MIN ? bytes.subarray(0, end) : bytes;
};

const isProgression = (bytes: Buffer): boolean => {
  const step = ((bytes[1] ?? 0) - (bytes[0] ?? 0) + 256) % 256;
  return bytes.every((byte, at) => at === 0 || byte === ((bytes[at - 1] ?? 0) + step) % 256);
};

/** Whether `bytes` is the word, or as many repetitions as reach its length. */
const repeats = (bytes: Buffer, word: string): boolean => {
  if (bytes.length < word.length) return false;
  const times = Math.ceil(bytes.length / word.length);
  return bytes.toString("latin1").toLowerCase() === word.repeat(times).slice(0, bytes.length);
};

const isWellKnown = (bytes: Buffer): boolean =>
  publishedKeys.some((key) => key.equals(bytes)) || wellKnown.some((word) => repeats(bytes, word));

/** What the bytes may be the text of: the same secret, only written longer. */
const decodings = (bytes: Buffer): readonly Buffer[] => {
  const text = bytes.toString("latin1");
  const decoded: Buffer[] = [];
  if (/^[\w+/-]+={0,2}$/.test(text)) decoded.push(Buffer.from(text, "base64"));
  if (/^(?:[0-9a-f]{2})+$/i.test(text)) decoded.push(Buffer.from(text, "hex"));
  return decoded;
};

const isGuessable = (bytes: Buffer): boolean => {
  if (new Set(bytes).size < DISTINCT_BYTES_MIN || isProgression(bytes)) return true;
  return isWellKnown(bytes) || isWellKnown(withoutPadding(bytes));
};

/**
 * Why a secret for HMAC-SHA-256 is refused, as the rule that it breaks; null if it may be used. The
 * rule never tells the secret. Length is no strength: a short or well-known secret that was
 * repeated, padded or encoded to length is what it was.
 */
export const secretWeakness = (secret: Uint8Array): string | null => {
  const bytes = Buffer.from(secret.buffer, secret.byteOffset, secret.byteLength);
  if (bytes.length < SECRET_BYTES_MIN) {
    return `must be at least ${SECRET_BYTES_MIN} bytes, and is ${bytes.length}`;
  }
  if (isGuessable(bytes) || decodings(bytes).some(isGuessable)) {
    return "is a well-known secret, or made of few different bytes: make one with synchro key new";
  }
  const isFilledUp =
    periodOf(bytes) < SECRET_BYTES_MIN || withoutPadding(bytes).length < SECRET_BYTES_MIN;
  return isFilledUp ? "is a shorter secret that was repeated or padded to length" : null;
};
