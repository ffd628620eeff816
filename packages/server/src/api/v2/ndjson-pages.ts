import type { Runtime } from "@synchro/core";
import type { Limits } from "@synchro/protocol";
import { encodeNdjsonPage } from "@synchro/protocol";
import type { Metrics } from "../../metrics.ts";
import { createAdmissionCheck } from "../../service/admission-check.ts";
import { nextPullInput, type Pull, type PullAnswer, type PullInput } from "../../service/pull.ts";

type NdjsonDeps = {
  readonly runtime: Runtime;
  readonly limits: Limits;
  readonly metrics: Pick<Metrics, "countRecordsSent">;
  readonly pull: Pull;
};

export type NdjsonOptions = {
  /** Whether the caller may still read; asked at least every `streamAuthorizeMs`. */
  readonly mayStillRead: () => Promise<boolean>;
  /** Ends the answer: the client has gone, or the server is draining. */
  readonly signal: AbortSignal;
};

/** A page of nothing, which ends an answer where a run was broken off: asked again, the client hears why. */
const brokenOff = (input: PullInput, answer: PullAnswer): PullAnswer => ({
  ...answer,
  reset: null,
  records: [],
  more: true,
  cursor: input.cursor as PullAnswer["cursor"],
  digest: null,
});

/**
 * Pages one after another, each from a short snapshot of its own, until nothing is left or the
 * answer is long enough; the last line says which. No snapshot is held while a client reads. A reset
 * that falls due between two pages ends the answer: it stands first in an answer or not at all. So
 * does a caller who may no longer read: nothing is sent that was read after that.
 * Spec: LIVE-*.
 */
export async function* ndjsonPages(
  deps: NdjsonDeps,
  from: PullInput,
  { mayStillRead, signal }: NdjsonOptions,
): AsyncGenerator<string> {
  const { runtime, limits } = deps;
  const deadline = runtime.monotonicMs() + limits.ndjsonMs;
  const check = createAdmissionCheck(deps, mayStillRead);
  let input = from;
  let sent = 0;
  for (let isFirst = true; ; isFirst = false) {
    const answer = await deps.pull(input);
    if ((!isFirst && answer.reset !== null) || !(await check.holds())) {
      yield encodeNdjsonPage(brokenOff(input, answer), true);
      return;
    }
    sent += answer.records.length;
    deps.metrics.countRecordsSent(answer.records.length);
    const isLongEnough = sent >= limits.ndjsonRecordsMax || runtime.monotonicMs() >= deadline;
    const isLast = !answer.more || isLongEnough || signal.aborted;
    yield encodeNdjsonPage(answer, isLast);
    if (isLast) return;
    // An ack proves that this snapshot holds the client's own writes: all later ones do.
    input = { ...nextPullInput(input, answer), ack: null };
  }
}
