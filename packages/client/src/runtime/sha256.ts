/** The first 32 bits of the fractional parts of the cube roots (64) and square roots (8) of the first primes. */
const roundConstants = new Int32Array(64);
const initialState = new Int32Array(8);

const isPrime = (candidate: number): boolean => {
  for (let divisor = 2; divisor * divisor <= candidate; divisor += 1) {
    if (candidate % divisor === 0) return false;
  }
  return true;
};

for (let candidate = 2, count = 0; count < 64; candidate += 1) {
  if (!isPrime(candidate)) continue;
  roundConstants[count] = (Math.cbrt(candidate) % 1) * 2 ** 32;
  if (count < 8) initialState[count] = (Math.sqrt(candidate) % 1) * 2 ** 32;
  count += 1;
}

const BLOCK_BYTES = 64;
/** The bit of the padding and the length of the message, in bytes. */
const PADDING_BYTES_MIN = 9;
/** Longer texts are left to the platform's encoder, which takes a while to be asked. */
const SHORT_UNITS_MAX = 128;

const utf8 = new TextEncoder();
const schedule = new Int32Array(64);
const hashState = new Int32Array(8);
let message = new Uint8Array(1024);

/** Writes `text` in UTF-8 into `message`; answers how many bytes that is. */
const encode = (text: string): number => {
  const bytes = message;
  if (text.length > SHORT_UNITS_MAX) return utf8.encodeInto(text, bytes).written;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit > 0x7f) return utf8.encodeInto(text, bytes).written;
    bytes[index] = unit;
  }
  return text.length;
};

/** Writes `text` in UTF-8 and its padding into `message`; answers how many bytes that is. */
const pad = (text: string): number => {
  const bytesMax = text.length * 3 + PADDING_BYTES_MIN + BLOCK_BYTES;
  if (message.length < bytesMax) message = new Uint8Array(bytesMax * 2);
  const written = encode(text);
  const padded = Math.ceil((written + PADDING_BYTES_MIN) / BLOCK_BYTES) * BLOCK_BYTES;
  const bytes = message;
  for (let index = written; index < padded; index += 1) bytes[index] = 0;
  bytes[written] = 0x80;
  // The length in bits: 64 of them, of which the upper ones are hardly ever set.
  let bits = written * 8;
  for (let index = padded - 1; bits > 0; index -= 1) {
    bytes[index] = bits % 256;
    bits = Math.floor(bits / 256);
  }
  return padded;
};

// What follows names its arrays once and reads them by index: it runs for every record of a first
// sync, and destructuring took as long as the rounds themselves.

const fillSchedule = (w: Int32Array, bytes: Uint8Array, offset: number): void => {
  for (let t = 0, at = offset; t < 16; t += 1, at += 4) {
    w[t] =
      ((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number);
  }
  for (let t = 16; t < 64; t += 1) {
    const x = w[t - 15] as number;
    const y = w[t - 2] as number;
    const small0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const small1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    w[t] = ((w[t - 16] as number) + (w[t - 7] as number) + small0 + small1) | 0;
  }
};

/** One round of the compression function over `state`, after the schedule was filled. */
const compress = (state: Int32Array, w: Int32Array, constants: Int32Array): void => {
  let a = state[0] as number;
  let b = state[1] as number;
  let c = state[2] as number;
  let d = state[3] as number;
  let e = state[4] as number;
  let f = state[5] as number;
  let g = state[6] as number;
  let h = state[7] as number;
  for (let t = 0; t < 64; t += 1) {
    const big1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const choice = (e & f) ^ (~e & g);
    const first = (h + big1 + choice + (constants[t] as number) + (w[t] as number)) | 0;
    const big0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const second = (big0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + first) | 0;
    d = c;
    c = b;
    b = a;
    a = (first + second) | 0;
  }
  state[0] = (state[0] as number) + a;
  state[1] = (state[1] as number) + b;
  state[2] = (state[2] as number) + c;
  state[3] = (state[3] as number) + d;
  state[4] = (state[4] as number) + e;
  state[5] = (state[5] as number) + f;
  state[6] = (state[6] as number) + g;
  state[7] = (state[7] as number) + h;
};

/**
 * SHA-256 (FIPS 180-4) of the UTF-8 form of `text`. It tells two stores apart in a digest and keeps no
 * secret. By hand, because the platform's own is asynchronous, and missing on pages that came over
 * plain HTTP: a digest is taken inside a transaction that can't wait for it.
 */
export const sha256 = (text: string): Uint8Array => {
  const padded = pad(text);
  const state = hashState;
  state.set(initialState);
  for (let offset = 0; offset < padded; offset += BLOCK_BYTES) {
    fillSchedule(schedule, message, offset);
    compress(state, schedule, roundConstants);
  }
  const hash = new Uint8Array(32);
  for (let index = 0; index < 8; index += 1) {
    const word = state[index] as number;
    hash[4 * index] = word >>> 24;
    hash[4 * index + 1] = word >>> 16;
    hash[4 * index + 2] = word >>> 8;
    hash[4 * index + 3] = word;
  }
  return hash;
};
