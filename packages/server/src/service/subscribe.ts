import type { Frame } from "./frame.ts";
import type { PullAnswer, PullInput } from "./pull.ts";
import { type SubscribeDeps, Subscription, type SubscriptionEnd } from "./subscription.ts";

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

/** What has come of a subscription that nobody has taken yet. */
type Held = { frame: Frame | null; end: SubscriptionEnd | { readonly kind: "aborted" } | null };

/** A {@link Subscription} as a stream of frames: the next is read when its reader asks for it. */
export async function* subscribe(
  deps: SubscribeDeps,
  options: SubscribeOptions,
): AsyncGenerator<Frame> {
  const { signal, from, encode, dialect, mayStillRead } = options;
  if (signal.aborted) return;
  const held: Held = { frame: null, end: null };
  let wake = (): void => {};
  const hold = (news: Partial<Held>): void => {
    Object.assign(held, news);
    wake();
  };
  const subscription = new Subscription(deps, from, {
    dialect,
    encode,
    mayStillRead,
    take: (frame) => {
      hold({ frame });
      return "enough";
    },
    rest: () => {},
    end: (end) => hold({ end }),
  });
  const abort = (): void => hold({ end: { kind: "aborted" } });
  signal.addEventListener("abort", abort);
  try {
    while (held.end === null) {
      const news = new Promise<void>((resolve) => (wake = resolve));
      subscription.resume();
      await news;
      const { frame } = held;
      held.frame = null;
      if (frame !== null) yield frame;
    }
    if (held.end.kind === "failed") throw held.end.error;
  } finally {
    signal.removeEventListener("abort", abort);
    subscription.close();
  }
}
