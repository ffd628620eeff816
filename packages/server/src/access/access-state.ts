import type { Runtime } from "@synchro/core";
import type { Limits } from "@synchro/protocol";
import type { Logger } from "pino";
import type { AccessState, ControlStore } from "../control/control-store.ts";
import type { QuotaOf } from "../service/push.ts";

/** Milliseconds within which what was changed in the control store is honoured everywhere, or nothing is answered. */
const HONOURED_WITHIN_MS = 10_000;

/** Milliseconds between looks. */
const LOOK_MS = 2_000;

/** Milliseconds for which a decision waits for a look that should have been there. */
const OVERDUE_MS = 2_000;

export type FollowedState = {
  /** What decisions depend on, no older than they allow; null: it can't be had now. */
  readonly current: () => Promise<AccessState | null>;
  /** Live records that a space may hold, by the last look; null: no bound is known. */
  readonly quotaOf: QuotaOf;
  readonly stop: () => void;
};

/**
 * The age that a decision's state may have. A stream goes on for `streamAuthorizeMs` after one that
 * was good, so the two together are what a revocation takes at most.
 */
const ageMaxMs = (limits: Pick<Limits, "streamAuthorizeMs">): number =>
  Math.max(LOOK_MS + 1_000, HONOURED_WITHIN_MS - limits.streamAuthorizeMs);

/**
 * Follows the control store by looking every two seconds: revocations are written by other processes
 * too. Where a look fails or hangs, the last one is good for as long as it is young enough; after
 * that decisions wait a moment for a new one, and then there is none.
 */
export const followAccessState = (deps: {
  readonly control: Pick<ControlStore, "readAccess">;
  readonly runtime: Pick<Runtime, "monotonicMs" | "after">;
  readonly limits: Pick<Limits, "streamAuthorizeMs">;
  readonly logger: Pick<Logger, "error" | "warn">;
}): FollowedState => {
  const { control, runtime } = deps;
  const maxMs = ageMaxMs(deps.limits);
  let seen: { readonly state: AccessState; readonly atMs: number } | null = null;
  let looking: Promise<void> | null = null;
  let isBroken = false;
  let isStopped = false;
  let cancel = (): void => {};
  const read = async (): Promise<void> => {
    // As it was at the beginning of the look, at least: what came during it may be missing.
    const atMs = runtime.monotonicMs();
    try {
      seen = { state: await control.readAccess(), atMs };
      if (isBroken) deps.logger.warn("who was shut out can be looked up again");
      isBroken = false;
    } catch (error) {
      // Once: each request looks again while it is so.
      if (!isBroken && !isStopped) {
        deps.logger.error(
          { err: error },
          "who was shut out can't be looked up: nobody is answered",
        );
      }
      isBroken = true;
    } finally {
      looking = null;
    }
  };
  const look = (): Promise<void> => (looking ??= read());
  const lookLater = (): void => {
    if (isStopped) return;
    cancel = runtime.after(LOOK_MS, () => void look().then(lookLater));
  };
  const young = (): AccessState | null =>
    seen !== null && runtime.monotonicMs() - seen.atMs <= maxMs ? seen.state : null;
  const waitForLook = async (): Promise<void> => {
    const late = Promise.withResolvers<void>();
    const cancelLate = runtime.after(OVERDUE_MS, late.resolve);
    await Promise.race([look(), late.promise]);
    cancelLate();
  };
  void look().then(lookLater);
  return {
    current: async () => {
      const state = young();
      if (state !== null || isStopped) return state;
      await waitForLook();
      return young();
    },
    quotaOf: (space) => seen?.state.recordsMax.get(space) ?? null,
    stop: () => {
      isStopped = true;
      cancel();
    },
  };
};
