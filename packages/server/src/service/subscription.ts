import type { Cancel, Runtime } from "@synchro/core";
import type { Limits } from "@synchro/protocol";
import type { Hub, Listener } from "../live/hub.ts";
import { type Frame, positionOf, readAsTold } from "./frame.ts";
import { nextPullInput, type Pull, type PullAnswer, type PullInput } from "./pull.ts";

export type SubscribeDeps = {
  readonly runtime: Pick<Runtime, "monotonicMs" | "after">;
  readonly limits: Pick<Limits, "streamIdleMs" | "streamAuthorizeMs">;
  readonly pull: Pull;
  /** How pages are read of which there may be many; absent: as any other. */
  readonly catchUp?: Pull;
  readonly hub: Pick<Hub<Frame>, "listen">;
};

/**
 * What a subscriber makes of a frame: it takes `more` at once, or has `enough` until the next
 * `resume`. `refused`: it did not take this one, which is forgotten and read again from the same
 * place after the next `resume`.
 */
export type Taken = "more" | "enough" | "refused";

/** Why a subscription ended by itself. */
export type SubscriptionEnd =
  /** The caller may no longer read. */
  { readonly kind: "refused" } | { readonly kind: "failed"; readonly error: unknown };

/** Who follows a space: a connection of some transport. */
export type Subscriber = {
  /** A name of `encode`: frames are shared only among subscribers that encode alike. */
  readonly dialect: string;
  readonly encode: (answer: PullAnswer) => Buffer;
  /** Whether the caller may still read; asked at least every `streamAuthorizeMs`. False ends the subscription. */
  readonly mayStillRead: () => Promise<boolean>;
  readonly take: (frame: Frame) => Taken;
  /** There is nothing to read: it waits for news. */
  readonly rest: () => void;
  /** Called once, and nothing after it; not called after `close`. */
  readonly end: (end: SubscriptionEnd) => void;
};

const isWorthSending = (answer: PullAnswer): boolean =>
  answer.records.length > 0 || answer.more || answer.reset !== null;

/**
 * Follows a space from a position for as long as its subscriber takes frames: first what it lacks,
 * page by page, then every change as it is committed. The frame that ends a catch-up, and the one
 * that is sent when nothing else was for `streamIdleMs`, carry digest and advanced cursor, however
 * much is committed meanwhile to collections that the subscriber did not ask for. It listens before
 * it reads, so no commit falls between; a frame is read only when the last one was taken, so a slow
 * subscriber holds one frame and is resumed from its own position. It begins at the first `resume`.
 *
 * One for each subscriber, and thousands of them rest: hence fields and one timer, which is not set
 * anew when a frame puts its purpose off. Spec: LIVE-*.
 */
export class Subscription {
  readonly #deps: SubscribeDeps;
  readonly #subscriber: Subscriber;
  readonly #listener: Listener<Frame>;
  /** What to read next. */
  #input: PullInput;
  #isAtTip = false;
  /** A read or a question is under way. */
  #isBusy = false;
  #takes = false;
  #isOver = false;
  #askAtMs: number;
  #idleAtMs: number;
  #timerDueMs = Number.POSITIVE_INFINITY;
  #cancelTimer: Cancel | null = null;

  constructor(deps: SubscribeDeps, from: PullInput, subscriber: Subscriber) {
    this.#deps = deps;
    this.#subscriber = subscriber;
    this.#input = from;
    this.#idleAtMs = deps.runtime.monotonicMs();
    // The caller was authorised just now.
    this.#askAtMs = this.#idleAtMs + deps.limits.streamAuthorizeMs;
    this.#listener = deps.hub.listen(from.space, () => this.#go());
  }

  /** The subscriber takes a frame: the first, or the next. */
  resume(): void {
    this.#takes = true;
    this.#go();
  }

  /** Ends it: nothing is called any more. Idempotent. */
  close(): void {
    this.#isOver = true;
    this.#stopTimer();
    this.#listener.close();
  }

  #stopTimer(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#timerDueMs = Number.POSITIVE_INFINITY;
  }

  #go(): void {
    if (this.#isOver || this.#isBusy || !this.#takes) return;
    const nowMs = this.#deps.runtime.monotonicMs();
    if (nowMs >= this.#askAtMs) return this.#ask(nowMs, null);
    // What was announced until now is in what is read next.
    const hasNews = this.#listener.takeNews();
    if (this.#isAtTip && !hasNews && nowMs < this.#idleAtMs) this.#rest(nowMs);
    else this.#read();
  }

  #rest(nowMs: number): void {
    this.#listener.settle();
    const dueMs = Math.min(this.#askAtMs, this.#idleAtMs);
    if (dueMs < this.#timerDueMs) {
      this.#stopTimer();
      this.#timerDueMs = dueMs;
      this.#cancelTimer = this.#deps.runtime.after(dueMs - nowMs, () => {
        this.#timerDueMs = Number.POSITIVE_INFINITY;
        this.#go();
      });
    }
    this.#subscriber.rest();
  }

  /** Asks whether the caller may still read, and then goes on: with a frame that was read, if any. */
  #ask(nowMs: number, frame: Frame | null): void {
    this.#isBusy = true;
    this.#subscriber.mayStillRead().then(
      (isAllowed) => this.#onAnswer(isAllowed, nowMs, frame),
      (error: unknown) => this.#fail(error),
    );
  }

  #onAnswer(isAllowed: boolean, askedAtMs: number, frame: Frame | null): void {
    this.#isBusy = false;
    if (this.#isOver) return;
    if (!isAllowed) return this.#end({ kind: "refused" });
    // From before the question: the answer is no younger.
    this.#askAtMs = askedAtMs + this.#deps.limits.streamAuthorizeMs;
    if (frame !== null) this.#deliver(frame);
    this.#go();
  }

  #read(): void {
    this.#isBusy = true;
    const at = this.#input;
    const { dialect } = this.#subscriber;
    const read = (): Promise<Frame> => this.#pull(at);
    const reading = this.#isAtTip ? this.#listener.share(positionOf(dialect, at), read) : read();
    reading.then(
      (frame) => this.#onRead(frame),
      (error: unknown) => this.#fail(error),
    );
  }

  #onRead(frame: Frame): void {
    this.#isBusy = false;
    if (this.#isOver) return;
    const nowMs = this.#deps.runtime.monotonicMs();
    // What was read may have taken its time.
    if (nowMs >= this.#askAtMs) return this.#ask(nowMs, frame);
    this.#deliver(frame);
    this.#go();
  }

  async #pull(at: PullInput): Promise<Frame> {
    const { pull, catchUp = pull } = this.#deps;
    const read = this.#isAtTip ? pull : catchUp;
    const answer = await read(readAsTold(at, this.#listener));
    return { answer, body: this.#subscriber.encode(answer) };
  }

  #deliver(frame: Frame): void {
    const { answer } = frame;
    const endsCatchUp = !this.#isAtTip;
    const isIdle = this.#deps.runtime.monotonicMs() >= this.#idleAtMs;
    if (endsCatchUp || isIdle || isWorthSending(answer)) {
      const taken = this.#takeSafely(frame);
      if (taken === null) return;
      this.#takes = taken === "more";
      if (!this.#takes) this.#stopTimer();
      if (taken === "refused") {
        // What it did not take is no longer what others share.
        this.#isAtTip = false;
        return;
      }
      this.#idleAtMs = this.#deps.runtime.monotonicMs() + this.#deps.limits.streamIdleMs;
    }
    // An ack proves that this snapshot holds the client's own writes: all later ones do.
    this.#input = { ...nextPullInput(this.#input, answer), ack: null };
    this.#isAtTip = !answer.more;
  }

  #takeSafely(frame: Frame): Taken | null {
    try {
      return this.#subscriber.take(frame);
    } catch (error) {
      this.#fail(error);
      return null;
    }
  }

  #fail(error: unknown): void {
    this.#isBusy = false;
    this.#end({ kind: "failed", error });
  }

  #end(end: SubscriptionEnd): void {
    if (this.#isOver) return;
    this.close();
    this.#subscriber.end(end);
  }
}
