import type { Runtime } from "@synchro/core";
import type { Limits } from "@synchro/protocol";

/** Callers that are counted at a time; past it the one that was heard longest ago begins anew. */
const CALLERS_MAX = 50_000;

type Bucket = { readonly tokens: number; readonly atMs: number };

export type RateLimiter = {
  /** Counts a request of a caller: 0 if it may be made, else the seconds after which it may be. */
  readonly take: (caller: string) => number;
  readonly callers: () => number;
};

/**
 * A token bucket a caller: `requestsBurst` requests at once, `requestsPerSecond` in the long run.
 * Its memory is bounded, whoever comes.
 */
export const createRateLimiter = (deps: {
  readonly limits: Pick<Limits, "requestsPerSecond" | "requestsBurst">;
  readonly runtime: Pick<Runtime, "monotonicMs">;
}): RateLimiter => {
  const { requestsPerSecond, requestsBurst } = deps.limits;
  const buckets = new Map<string, Bucket>();
  const filled = (bucket: Bucket | undefined, nowMs: number): number => {
    if (bucket === undefined) return requestsBurst;
    const gained = ((nowMs - bucket.atMs) / 1000) * requestsPerSecond;
    return Math.min(requestsBurst, bucket.tokens + gained);
  };
  const forgetOldest = (): void => {
    if (buckets.size <= CALLERS_MAX) return;
    const { value: oldest } = buckets.keys().next();
    if (oldest !== undefined) buckets.delete(oldest);
  };
  return {
    take: (caller) => {
      const nowMs = deps.runtime.monotonicMs();
      const tokens = filled(buckets.get(caller), nowMs);
      const isAllowed = tokens >= 1;
      // Who was heard last stands last.
      buckets.delete(caller);
      buckets.set(caller, { tokens: isAllowed ? tokens - 1 : tokens, atMs: nowMs });
      forgetOldest();
      return isAllowed ? 0 : Math.max(1, Math.ceil((1 - tokens) / requestsPerSecond));
    },
    callers: () => buckets.size,
  };
};
