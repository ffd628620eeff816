import type { Runtime } from "@synchro/core";
import type { Hub } from "../live/hub.ts";
import { nextPullInput, type Pull, type PullAnswer, type PullInput } from "./pull.ts";
import { type Frame, positionOf } from "./subscribe.ts";

const noBody = Buffer.alloc(0);

/**
 * A long poll: answers as soon as a record matches, a reset is due, the time is over or `signal`
 * aborts, always with an advanced cursor. Those that wait at one position share each further look.
 * Spec: LIVE-*.
 */
export const waitForChange = async (
  deps: {
    readonly runtime: Runtime;
    readonly pull: Pull;
    readonly hub: Pick<Hub<Frame>, "listen">;
  },
  from: PullInput,
  waitMs: number,
  signal: AbortSignal,
): Promise<PullAnswer> => {
  const listener = deps.hub.listen(from.space);
  const deadline = deps.runtime.monotonicMs() + waitMs;
  let answer: PullAnswer;
  try {
    answer = await deps.pull(from);
    for (;;) {
      if (answer.records.length > 0 || answer.more || answer.reset !== null) return answer;
      const leftMs = deadline - deps.runtime.monotonicMs();
      if (leftMs <= 0 || signal.aborted) return answer;
      const at = { ...nextPullInput(from, answer), ack: null };
      await listener.wait(leftMs, signal);
      const look = async (): Promise<Frame> => ({ answer: await deps.pull(at), body: noBody });
      ({ answer } = await listener.share(positionOf("poll", at), look));
    }
  } finally {
    listener.close();
  }
};
