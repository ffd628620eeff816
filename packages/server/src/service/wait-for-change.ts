import type { Runtime } from "@synchro/core";
import type { Limits } from "@synchro/protocol";
import type { Hub } from "../live/hub.ts";
import { createAdmissionCheck, waitWhileAdmitted } from "./admission-check.ts";
import { type Frame, positionOf, readAsTold } from "./frame.ts";
import { nextPullInput, type Pull, type PullAnswer, type PullInput } from "./pull.ts";

const noBody = Buffer.alloc(0);

export type LongPoll = {
  readonly from: PullInput;
  readonly waitMs: number;
  /** Whether the caller may still read; asked at least every `streamAuthorizeMs`. */
  readonly mayStillRead: () => Promise<boolean>;
  /** Ends the wait: the client has gone, or the server is draining. */
  readonly signal: AbortSignal;
};

/**
 * A long poll: answers as soon as a record matches, a reset is due, the time is over or `signal`
 * aborts, always with an advanced cursor. Those that wait at one position share each further look.
 * Null as soon as the caller may no longer read. Spec: LIVE-*.
 */
export const waitForChange = async (
  deps: {
    readonly runtime: Runtime;
    readonly limits: Pick<Limits, "streamAuthorizeMs">;
    readonly pull: Pull;
    readonly hub: Pick<Hub<Frame>, "listen">;
  },
  { from, waitMs, mayStillRead, signal }: LongPoll,
): Promise<PullAnswer | null> => {
  const listener = deps.hub.listen(from.space);
  const untilMs = deps.runtime.monotonicMs() + waitMs;
  const check = createAdmissionCheck(deps, mayStillRead);
  let answer: PullAnswer;
  try {
    answer = await deps.pull(from);
    for (;;) {
      // What was read may have taken its time.
      if (!(await check.holds())) return null;
      if (answer.records.length > 0 || answer.more || answer.reset !== null) return answer;
      if (deps.runtime.monotonicMs() >= untilMs || signal.aborted) return answer;
      const at = { ...nextPullInput(from, answer), ack: null };
      if (!(await waitWhileAdmitted(deps.runtime, listener, check, { untilMs, signal }))) {
        return null;
      }
      const look = async (): Promise<Frame> => ({
        answer: await deps.pull(readAsTold(at, listener)),
        body: noBody,
      });
      ({ answer } = await listener.share(positionOf("poll", at), look));
    }
  } finally {
    listener.close();
  }
};
