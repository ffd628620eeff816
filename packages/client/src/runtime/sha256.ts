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

const utf8 = new TextEncoder();
const schedule = new Int32Array(64);
let message = new Uint8Array(1024);

/** Writes `text` in UTF-8 and its padding into `message`; answers how many bytes that is. */
const pad = (text: string): number => {
  const bytesMax = text.length * 3 + PADDING_BYTES_MIN + BLOCK_BYTES;
  if (message.length < bytesMax) message = new Uint8Array(bytesMax * 2);
  const { written } = utf8.encodeInto(text, message);
  const padded = Math.ceil((written + PADDING_BYTES_MIN) / BLOCK_BYTES) * BLOCK_BYTES;
  message.fill(0, written, padded);
  message[written] = 0x80;
  const view = new DataView(message.buffer);
  view.setUint32(padded - 8, Math.floor(written / 2 ** 29));
  view.setUint32(padded - 4, (written * 8) % 2 ** 32);
  return padded;
};

const fillSchedule = (view: DataView, offset: number): void => {
  const w = schedule;
  for (let t = 0; t < 16; t += 1) w[t] = view.getInt32(offset + 4 * t);
  for (let t = 16; t < 64; t += 1) {
    const x = w[t - 15] as number;
    const y = w[t - 2] as number;
    const small0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const small1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    w[t] = (w[t - 16] as number) + (w[t - 7] as number) + small0 + small1;
  }
};

/** One round of the compression function over `state`, after the schedule was filled. */
const compress = (state: Int32Array): void => {
  let [a, b, c, d, e, f, g, h] = state as unknown as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  for (let t = 0; t < 64; t += 1) {
    const big1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const choice = (e & f) ^ (~e & g);
    const first = (h + big1 + choice + (roundConstants[t] as number) + (schedule[t] as number)) | 0;
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
  [a, b, c, d, e, f, g, h].forEach((word, index) => {
    state[index] = (state[index] as number) + word;
  });
};

/**
 * SHA-256 (FIPS 180-4) of the UTF-8 form of `text`. It tells two stores apart in a digest and keeps no
 * secret. By hand, because the platform's own is asynchronous, and missing on pages that came over
 * plain HTTP: a digest is taken inside a transaction that can't wait for it.
 */
export const sha256 = (text: string): Uint8Array => {
  const padded = pad(text);
  const view = new DataView(message.buffer);
  const state = initialState.slice();
  for (let offset = 0; offset < padded; offset += BLOCK_BYTES) {
    fillSchedule(view, offset);
    compress(state);
  }
  const hash = new Uint8Array(32);
  const out = new DataView(hash.buffer);
  for (let index = 0; index < 8; index += 1) out.setInt32(4 * index, state[index] as number);
  return hash;
};
