import type { Limits } from "@synchro/protocol";
import { encodeNdjsonPage } from "@synchro/protocol";
import type { Runtime } from "@synchro/core";
import { nextPullInput, type Pull, type PullInput } from "../../service/pull.ts";

/**
 * Pages one after another, each from a short snapshot of its own, until nothing is left or the
 * answer is long enough; the last line says which. No snapshot is held while a client reads.
 * Spec: LIVE-*.
 */
export async function* ndjsonPages(
  deps: { readonly runtime: Runtime; readonly limits: Limits; readonly pull: Pull },
  from: PullInput,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const { runtime, limits } = deps;
  const deadline = runtime.monotonicMs() + limits.ndjsonMs;
  let input = from;
  let sent = 0;
  for (;;) {
    const answer = await deps.pull(input);
    sent += answer.records.length;
    const isLongEnough = sent >= limits.ndjsonRecordsMax || runtime.monotonicMs() >= deadline;
    const isLast = !answer.more || isLongEnough || signal.aborted;
    yield encodeNdjsonPage(answer, isLast);
    if (isLast) return;
    input = nextPullInput(input, answer);
  }
}
