import type { Runtime } from "@synchro/core";
import type { Limits } from "@synchro/protocol";
import { createAdmissionCheck, waitWhileAdmitted } from "./admission-check.ts";
import { nextPullInput, type Pull, type PullAnswer, type PullInput } from "./pull.ts";
import type { Hub } from "../live/hub.ts";

/** What a stream sends at once. `body` is the same object for all subscribers at the same position. */
export type Frame = { readonly answer: PullAnswer; readonly body: Buffer };

export type SubscribeDeps = {
  readonly runtime: Runtime;
  readonly limits: Limits;
  readonly pull: Pull;
  readonly hub: Hub<Frame>;
};

export type SubscribeOptions = {
  readonly from: PullInput;
  readonly encode: (answer: PullAnswer) => Buffer;
  /** A name of `encode`: frames are shared only among streams that encode alike. */
  readonly dialect: string;
  /** Whether the caller may still read; asked at least every `streamAuthorizeMs`. False ends the stream. */
  readonly mayStillRead: () => Promise<boolean>;
  /** Ends the stream: the client has gone, or the server is draining. */
  readonly signal: AbortSignal;
};

const isWorthSending = (answer: PullAnswer): boolean =>
  answer.records.length > 0 || answer.more || answer.reset !== null;

/** Where a reader stands that is at the tip: those who stand at one place read the same, as `dialect` has it. */
export const positionOf = (dialect: string, input: PullInput): string =>
  [dialect, input.cursor, input.collections?.join("~"), input.limit].join(" ");

/**
 * Follows a space from a position for as long as the caller takes frames: first what it lacks, page
 * by page, then every change as it is committed. The frame that ends a catch-up, and the one that is
 * sent when nothing else was for `streamIdleMs`, carry digest and advanced cursor, however much is
 * committed meanwhile to collections that the caller did not ask for. It listens before it reads, so
 * no commit falls between; a frame is read only when the last one was taken, so a slow subscriber
 * holds one frame and is resumed from its own position. Spec: LIVE-*.
 */
export async function* subscribe(
  deps: SubscribeDeps,
  options: SubscribeOptions,
): AsyncGenerator<Frame> {
  const { runtime, limits } = deps;
  const { signal } = options;
  const listener = deps.hub.listen(options.from.space);
  const check = createAdmissionCheck(deps, options.mayStillRead);
  let idleAtMs = runtime.monotonicMs();
  let input = options.from;
  let isAtTip = false;
  try {
    while (!signal.aborted) {
      if (!(await check.holds())) return;
      const at = input;
      const read = async (): Promise<Frame> => {
        const answer = await deps.pull(at);
        return { answer, body: options.encode(answer) };
      };
      const frame: Frame = isAtTip
        ? await listener.share(positionOf(options.dialect, at), read)
        : await read();
      // What was read may have taken its time.
      if (!(await check.holds())) return;
      const endsCatchUp = !isAtTip;
      const isIdle = runtime.monotonicMs() >= idleAtMs;
      if (endsCatchUp || isIdle || isWorthSending(frame.answer)) {
        yield frame;
        idleAtMs = runtime.monotonicMs() + limits.streamIdleMs;
      }
      // An ack proves that this snapshot holds the client's own writes: all later ones do.
      input = { ...nextPullInput(input, frame.answer), ack: null };
      isAtTip = !frame.answer.more;
      if (!isAtTip) continue;
      const wait = { untilMs: idleAtMs, signal };
      if (!(await waitWhileAdmitted(runtime, listener, check, wait))) return;
    }
  } finally {
    listener.close();
  }
}
