import type { Runtime } from "@synchro/core";

/** Looks at one thing without which a server can't serve; resolves with the reason, or null where all is well. */
export type ReadinessCheck = () => Promise<string | null>;

/** Why requests should go elsewhere; empty where they need not. Never rejects. */
export type Readiness = () => Promise<readonly string[]>;

/** Milliseconds for which an answer holds: whoever asks more often learns nothing new, and costs nothing. */
const HOLDS_MS = 1_000;

/** Milliseconds that a check may take: longer than a busy database lets anybody wait for a connection. */
const TAKES_MS_MAX = 3_000;

/**
 * One look at a time, however many ask, and at most one each second. What a check fails with is not
 * told: everybody may ask, and it may name hosts.
 */
export const createReadiness = (
  runtime: Pick<Runtime, "monotonicMs" | "after">,
  checks: Readonly<Record<string, ReadinessCheck>>,
): Readiness => {
  const lookAt = ([name, check]: readonly [string, ReadinessCheck]): Promise<string | null> =>
    new Promise((resolve) => {
      const late = (): void => resolve(`${name} gave no answer within ${TAKES_MS_MAX} ms`);
      const cancel = runtime.after(TAKES_MS_MAX, late);
      const failed = (): void => resolve(`${name} can't be reached`);
      check().then(resolve, failed).finally(cancel);
    });
  const look = async (): Promise<readonly string[]> => {
    const reasons = await Promise.all(Object.entries(checks).map(lookAt));
    return reasons.filter((reason) => reason !== null);
  };
  let lastAtMs = Number.NEGATIVE_INFINITY;
  let last: Promise<readonly string[]> | null = null;
  let isLooking = false;
  return () => {
    if (last !== null && (isLooking || runtime.monotonicMs() - lastAtMs < HOLDS_MS)) return last;
    isLooking = true;
    last = look().finally(() => {
      isLooking = false;
      lastAtMs = runtime.monotonicMs();
    });
    return last;
  };
};
