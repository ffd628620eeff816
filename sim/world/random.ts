/** A stream of numbers that depends on its seed and on nothing else. */
export type Random = {
  /** An integer from 0 to 2^32 - 1. */
  readonly uint32: () => number;
  /** An integer from 0 to `count` - 1. */
  readonly below: (count: number) => number;
  /** An integer from `min` to `max`, both included. */
  readonly between: (min: number, max: number) => number;
  readonly chance: (probability: number) => boolean;
  readonly pick: <Item>(items: readonly Item[]) => Item;
  readonly bytes: (count: number) => Uint8Array;
  /** A stream of its own, so that one part of a run draws no number of another's. */
  readonly fork: () => Random;
};

const rotateLeft = (value: number, bits: number): number =>
  (value << bits) | (value >>> (32 - bits));

/** splitmix32: spreads a small seed over the whole state. */
const spread = (seed: number): readonly [number, number, number, number] => {
  let state = seed | 0;
  const next = (): number => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return mixed ^ (mixed >>> 15);
  };
  return [next(), next(), next(), next()];
};

/**
 * xoshiro128** (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021), its
 * state filled by splitmix32. Not for secrets.
 */
export const createRandom = (seed: number): Random => {
  let [a, b, c, d] = spread(seed);
  const uint32 = (): number => {
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotateLeft(d, 11);
    return result;
  };
  const below = (count: number): number => Math.floor((uint32() / 2 ** 32) * count);
  return {
    uint32,
    below,
    between: (min, max) => min + below(max - min + 1),
    chance: (probability) => uint32() / 2 ** 32 < probability,
    pick: (items) => {
      const item = items[below(items.length)];
      if (item === undefined) throw new Error("nothing to pick from");
      return item;
    },
    bytes: (count) => Uint8Array.from({ length: count }, () => uint32() & 0xff),
    fork: () => createRandom(uint32()),
  };
};
