import { isIPv6 } from "node:net";
import type { Runtime } from "@synchro/core";

/** Refused codes and secrets in a row from one address, and one more each so many seconds. */
const ADDRESS_BURST = 10;
const ADDRESS_SECONDS = 6;

/**
 * The same for all addresses together. At 5 a second the 60 bits of a code are safe for longer than
 * any code lasts: 13 million tries in 30 days, of 10^18.
 */
const TOTAL_BURST = 300;
const TOTAL_SECONDS = 0.2;

/** Addresses that are remembered; past it the one that was heard longest ago begins anew. */
const ADDRESSES_MAX = 10_000;

/** A bucket that fills by one each `seconds`, up to `burst`. */
type Bucket = { left: number; atMs: number };

export type Guess =
  /** It may be tried. It counts as refused until `admitted` is called. */
  | { readonly kind: "allowed"; readonly admitted: () => void }
  | { readonly kind: "limited"; readonly retryAfterS: number };

export type GuessGuard = {
  readonly begin: (address: string) => Guess;
  /** Addresses that are remembered now. */
  readonly addresses: () => number;
};

/** Who is one: an IPv6 network gives each of its hosts 2^64 addresses, so the network counts. */
export const guesserOf = (address: string): string => {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address)) return address;
  const [head = "", tail] = address.split("%")[0]?.split("::") ?? [];
  const front = head === "" ? [] : head.split(":");
  const back = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array.from({ length: Math.max(0, 8 - front.length - back.length) }, () => "0");
  const groups = tail === undefined ? front : [...front, ...zeros, ...back];
  return groups
    .slice(0, 4)
    .map((group) => group.toLowerCase().replace(/^0+(?=.)/, ""))
    .join(":");
};

/** Slows down who guesses codes and secrets; who is let in is not slowed down by it. Spec: DEVICE-8. */
export const createGuessGuard = (runtime: Pick<Runtime, "monotonicMs">): GuessGuard => {
  const total: Bucket = { left: TOTAL_BURST, atMs: runtime.monotonicMs() };
  const byAddress = new Map<string, Bucket>();

  const fill = (bucket: Bucket, burst: number, seconds: number): void => {
    const nowMs = runtime.monotonicMs();
    bucket.left = Math.min(burst, bucket.left + (nowMs - bucket.atMs) / 1_000 / seconds);
    bucket.atMs = nowMs;
  };
  const bucketOf = (guesser: string): Bucket => {
    const bucket = byAddress.get(guesser) ?? { left: ADDRESS_BURST, atMs: runtime.monotonicMs() };
    // Who was heard last stands last.
    byAddress.delete(guesser);
    byAddress.set(guesser, bucket);
    if (byAddress.size > ADDRESSES_MAX) {
      const { value: oldest } = byAddress.keys().next();
      if (oldest !== undefined) byAddress.delete(oldest);
    }
    return bucket;
  };
  const secondsUntil = (bucket: Bucket, seconds: number): number => (1 - bucket.left) * seconds;

  return {
    begin: (address) => {
      const bucket = bucketOf(guesserOf(address));
      fill(bucket, ADDRESS_BURST, ADDRESS_SECONDS);
      fill(total, TOTAL_BURST, TOTAL_SECONDS);
      if (bucket.left < 1 || total.left < 1) {
        const waitS = Math.max(
          secondsUntil(bucket, ADDRESS_SECONDS),
          secondsUntil(total, TOTAL_SECONDS),
        );
        return { kind: "limited", retryAfterS: Math.max(1, Math.ceil(waitS)) };
      }
      bucket.left -= 1;
      total.left -= 1;
      let counts = true;
      return {
        kind: "allowed",
        admitted: () => {
          if (!counts) return;
          counts = false;
          bucket.left += 1;
          total.left += 1;
        },
      };
    },
    addresses: () => byAddress.size,
  };
};
