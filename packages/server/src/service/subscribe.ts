import type { Runtime } from "@synchro/core";
import type { Limits } from "@synchro/protocol";
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

const positionOf = (options: SubscribeOptions, input: PullInput): string =>
  [options.dialect, input.cursor, input.collections?.join("~"), input.limit].join(" ");

/**
 * Follows a space from a position for as long as the caller takes frames: first what it lacks, page
 * by page, then every change as it is committed. The frame that ends a catch-up and the idle frames
 * carry digest and advanced cursor. It listens before it reads, so no commit falls between; a frame
 * is read only when the last one was taken, so a slow subscriber holds one frame and is resumed from
 * its own position. Spec: LIVE-*.
 */
export async function* subscribe(
  deps: SubscribeDeps,
  options: SubscribeOptions,
): AsyncGenerator<Frame> {
  const { runtime, limits } = deps;
  const listener = deps.hub.listen(options.from.space);
  let authorizedAt = runtime.monotonicMs();
  let input = options.from;
  let isAtTip = false;
  let mustSend = true;
  try {
    while (!options.signal.aborted) {
      if (runtime.monotonicMs() - authorizedAt >= limits.streamAuthorizeMs) {
        if (!(await options.mayStillRead())) return;
        authorizedAt = runtime.monotonicMs();
      }
      const at = input;
      const read = async (): Promise<Frame> => {
        const answer = await deps.pull(at);
        return { answer, body: options.encode(answer) };
      };
      const frame: Frame = isAtTip
        ? await listener.share(positionOf(options, at), read)
        : await read();
      if (mustSend || isWorthSending(frame.answer)) yield frame;
      // An ack proves that this snapshot holds the client's own writes: all later ones do.
      input = { ...nextPullInput(input, frame.answer), ack: null };
      isAtTip = !frame.answer.more;
      mustSend = frame.answer.more;
      if (!isAtTip) continue;
      const reason = await listener.wait(limits.streamIdleMs, options.signal);
      mustSend = reason === "idle";
    }
  } finally {
    listener.close();
  }
}
