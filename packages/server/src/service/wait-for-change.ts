import type { Runtime, SpaceId } from "@synchro/core";
import type { Listener } from "../live/hub.ts";
import { nextPullInput, type Pull, type PullAnswer, type PullInput } from "./pull.ts";

/** A hub, as far as a long poll needs one: it shares no frames. */
type Ears = { readonly listen: (space: SpaceId) => Pick<Listener<never>, "wait" | "close"> };

/**
 * A long poll: answers as soon as a record matches, a reset is due, the time is over or `signal`
 * aborts, always with an advanced cursor. Spec: LIVE-*.
 */
export const waitForChange = async (
  deps: { readonly runtime: Runtime; readonly pull: Pull; readonly hub: Ears },
  from: PullInput,
  waitMs: number,
  signal: AbortSignal,
): Promise<PullAnswer> => {
  const listener = deps.hub.listen(from.space);
  const deadline = deps.runtime.monotonicMs() + waitMs;
  let input = from;
  try {
    for (;;) {
      const answer = await deps.pull(input);
      if (answer.records.length > 0 || answer.more || answer.reset !== null) return answer;
      const leftMs = deadline - deps.runtime.monotonicMs();
      if (leftMs <= 0 || signal.aborted) return answer;
      input = { ...nextPullInput(input, answer), ack: null };
      await listener.wait(leftMs, signal);
    }
  } finally {
    listener.close();
  }
};
