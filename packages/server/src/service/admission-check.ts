import type { Runtime } from "@synchro/core";
import type { Limits } from "@synchro/protocol";
import type { Listener } from "../live/hub.ts";

/** The clock of an answer that stays open: when its caller must be authorised again. */
export type AdmissionCheck = {
  /** Asks again if it is time to; false: the caller may no longer read. */
  readonly holds: () => Promise<boolean>;
  /** Milliseconds until it is time to ask; not below 0. */
  readonly leftMs: () => number;
};

/** The caller was authorised just now, and is again every `streamAuthorizeMs`. Spec: LIVE-14. */
export const createAdmissionCheck = (
  deps: {
    readonly runtime: Pick<Runtime, "monotonicMs">;
    readonly limits: Pick<Limits, "streamAuthorizeMs">;
  },
  mayStillRead: () => Promise<boolean>,
): AdmissionCheck => {
  const { runtime, limits } = deps;
  let askAtMs = runtime.monotonicMs() + limits.streamAuthorizeMs;
  return {
    holds: async () => {
      const nowMs = runtime.monotonicMs();
      if (nowMs < askAtMs) return true;
      if (!(await mayStillRead())) return false;
      // From before the question: the answer is no younger.
      askAtMs = nowMs + limits.streamAuthorizeMs;
      return true;
    },
    leftMs: () => Math.max(0, askAtMs - runtime.monotonicMs()),
  };
};

/**
 * Waits for news of a space until an instant of the monotonic clock, or the abort, and asks on the
 * way as often as the check demands. False: the caller may no longer read.
 */
export const waitWhileAdmitted = async (
  runtime: Pick<Runtime, "monotonicMs">,
  listener: Pick<Listener<unknown>, "wait">,
  check: AdmissionCheck,
  of: { readonly untilMs: number; readonly signal: AbortSignal },
): Promise<boolean> => {
  for (;;) {
    const leftMs = Math.max(0, of.untilMs - runtime.monotonicMs());
    const reason = await listener.wait(Math.min(leftMs, check.leftMs()), of.signal);
    if (!(await check.holds())) return false;
    if (reason !== "idle" || runtime.monotonicMs() >= of.untilMs) return true;
  }
};
