import type { ClientRuntime } from "../runtime/client-runtime.ts";
import { backoffMs } from "./backoff.ts";
import { Bell } from "./bell.ts";
import type { Closed, Exchange, Step } from "./exchange.ts";
import type { Obstacle, SyncState } from "./sync-state.ts";

/** Between two looks where nothing live gets through. */
const POLL_MS = 15_000;
const LONG_POLL_SECONDS = 30;
/** Streams in a row that brought nothing before they ended: then a proxy holds them back, perhaps. */
const STREAM_FAILURES_MAX = 2;
/** A stream that ended sooner than this was no use, however well it ended. */
const STREAM_MS_MIN = 3_000;
/** How long a way that failed is left alone. */
const WAY_REST_MS = 300_000;
/** How often the outbox is looked at again: while the right to write is missing, and beside a stream in any case. */
const LOOK_AGAIN_MS = 60_000;
/** Answers in a row that say "more" and bring nothing, after which the loop waits. */
const IDLE_STEPS_MAX = 3;

export type SyncLoopDeps = {
  readonly runtime: ClientRuntime;
  readonly exchange: Exchange;
  /** From 0 up to, and without, 1: the spread of waits. */
  readonly random: () => number;
  readonly onState: (state: SyncState) => void;
  /** A defect, or a store that is lost: the loop has ended. */
  readonly onFatal: (error: unknown) => void;
};

type Failure = Exclude<Step, { kind: "up to date" | "went on" }>;

const isFailure = (step: Step | Closed): step is Failure =>
  step.kind !== "up to date" && step.kind !== "went on" && step.kind !== "closed";

type Way = "stream" | "long poll" | "poll";

/**
 * Keeps one store in step with one space, until it is stopped. One push is in flight at a time, and
 * one puller moves the cursor: a page that comes with a push, or a stream while it is open. It never
 * gives up: what fails is tried again after a growing while, and at once when `wake` says why not to
 * wait. Spec: CLIENT-1, CLIENT-6, CLIENT-7, CLIENT-15.
 */
export class SyncLoop {
  readonly #deps: SyncLoopDeps;
  readonly #bell: Bell;
  /** Aborts what only waits: a long poll, or a stream. */
  #hangUp = new AbortController();
  readonly #stopping = new AbortController();
  #running: Promise<void> | null = null;
  #failures = 0;
  #received = 0;
  #streamFailures = 0;
  #shortStreams = 0;
  #ways: { stream: number; longPoll: number } = { stream: 0, longPoll: 0 };
  #isWaitingOut = false;
  /** By the monotonic clock: until then nothing is pushed, for want of the right to. */
  #pushesFrom = 0;

  constructor(deps: SyncLoopDeps) {
    this.#deps = deps;
    this.#bell = new Bell(deps.runtime);
  }

  start(): void {
    this.#running ??= this.#run().catch(this.#deps.onFatal);
  }

  /**
   * `edited`: there is something to send. `changed`: the network, the token or the collections are
   * not what they were, so that waiting, and whatever is open, has lost its reason.
   */
  wake(reason: "edited" | "changed"): void {
    if (reason === "changed") {
      this.#pushesFrom = 0;
      this.#ways = { stream: 0, longPoll: 0 };
      this.#failures = 0;
      this.#hangUp.abort();
      this.#bell.ring();
      return;
    }
    // While the server is away an edit changes nothing: it goes out with the next try.
    if (this.#isWaitingOut) return;
    this.#bell.ring();
  }

  /** Resolves when the loop has ended; what was under way is not waited for, and is sent again next time. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#hangUp.abort();
    this.#bell.ring();
    await this.#running;
    this.#running = null;
    this.#deps.onState({ state: "stopped" });
  }

  get #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      this.#hangUp = new AbortController();
      if (!(await this.#catchUp())) continue;
      if (this.#isStopping) return;
      await this.#stayLive(this.#nextWay());
    }
  }

  /** Exchanges until nothing is left either way. False: it failed, and the wait is over. */
  async #catchUp(): Promise<boolean> {
    const { exchange } = this.#deps;
    this.#received = 0;
    let idle = 0;
    for (;;) {
      if (this.#isStopping) return false;
      this.#deps.onState({ state: "syncing", received: this.#received });
      this.#bell.reset();
      const step = await exchange.next({
        pushes: this.#mayPush(),
        signal: this.#stopping.signal,
        onReceived: (count) => this.#count(count),
      });
      if (step.kind === "up to date") {
        this.#failures = 0;
        return true;
      }
      if (step.kind === "went on") {
        this.#failures = 0;
        idle = step.isIdle ? idle + 1 : 0;
        if (idle < IDLE_STEPS_MAX) continue;
        idle = 0;
        const reason = "it says that there is more, and brings none";
        await this.#waitOut({ kind: "unreachable", reason });
        return false;
      }
      if (!(await this.#endure(step))) return false;
    }
  }

  #count(count: number): void {
    this.#received += count;
    this.#deps.onState({ state: "syncing", received: this.#received });
  }

  #mayPush(): boolean {
    return this.#deps.runtime.monotonicMs() >= this.#pushesFrom;
  }

  /** What to do after a step that failed: true to go on at once, in another way. */
  async #endure(step: Failure): Promise<boolean> {
    if (step.kind === "may not write") {
      // Reading goes on without: an obstacle to the one is none to the other.
      this.#pushesFrom = this.#deps.runtime.monotonicMs() + LOOK_AGAIN_MS;
      return true;
    }
    await this.#waitOut(step.kind === "full" ? step : step.failure);
    return false;
  }

  async #waitOut(obstacle: Obstacle): Promise<void> {
    if (this.#isStopping) return;
    this.#failures += 1;
    const asked = obstacle.kind === "busy" ? obstacle.retryAfterMs : null;
    const retryMs = backoffMs(this.#failures, asked, this.#deps.random());
    this.#deps.onState({ state: "waiting", obstacle, retryMs });
    this.#bell.reset();
    this.#isWaitingOut = true;
    await this.#bell.wait(retryMs);
    this.#isWaitingOut = false;
  }

  #nextWay(): Way {
    const now = this.#deps.runtime.monotonicMs();
    if (now >= this.#ways.stream) return "stream";
    return now >= this.#ways.longPoll ? "long poll" : "poll";
  }

  async #stayLive(way: Way): Promise<void> {
    switch (way) {
      case "stream":
        return this.#stream();
      case "long poll":
        return this.#longPoll();
      case "poll": {
        this.#deps.onState({ state: "live", by: "poll" });
        await this.#bell.wait(Math.round(POLL_MS * (0.75 + this.#deps.random() / 2)));
      }
    }
  }

  /** Follows the stream, and pushes beside it, until the stream ends or a push fails. */
  async #stream(): Promise<void> {
    const { exchange, runtime } = this.#deps;
    const hangUp = this.#hangUp;
    const openedAt = runtime.monotonicMs();
    let pages = 0;
    const followed = exchange.follow(hangUp.signal, () => {
      pages += 1;
      this.#streamFailures = 0;
      this.#deps.onState({ state: "live", by: "stream" });
    });
    const pushed = this.#pushBeside(hangUp);
    const end = await followed;
    hangUp.abort();
    this.#bell.ring();
    await pushed;
    const isShort = runtime.monotonicMs() - openedAt < STREAM_MS_MIN;
    this.#shortStreams = isShort ? this.#shortStreams + 1 : 0;
    if (this.#isStopping) return;
    if (!isFailure(end)) {
      // Once is a matter of course, a row of them would be a storm.
      if (this.#shortStreams <= 1) return;
      await this.#bell.wait(backoffMs(this.#shortStreams - 1, null, this.#deps.random()));
      return;
    }
    if (pages === 0) {
      this.#streamFailures += 1;
      if (this.#streamFailures >= STREAM_FAILURES_MAX) {
        this.#ways.stream = runtime.monotonicMs() + WAY_REST_MS;
        return;
      }
    }
    await this.#endure(end);
  }

  /** Sends each edit as it is made. It ends when the line is hung up, and hangs up when a push fails. */
  async #pushBeside(hangUp: AbortController): Promise<void> {
    const { exchange } = this.#deps;
    while (!hangUp.signal.aborted && !this.#isStopping) {
      if (!this.#mayPush() || !(await exchange.hasSendable())) {
        // Nobody rings for an edit of a tab that died before it could tell, nor for one that was put aside.
        await this.#bell.wait(LOOK_AGAIN_MS);
        continue;
      }
      const step = await exchange.pushOnly(hangUp.signal);
      if (hangUp.signal.aborted) return;
      if (!isFailure(step)) continue;
      if (step.kind === "may not write") {
        await this.#endure(step);
        continue;
      }
      // The next catch-up meets the same obstacle, and waits it out.
      hangUp.abort();
    }
  }

  async #longPoll(): Promise<void> {
    const { exchange, runtime } = this.#deps;
    this.#deps.onState({ state: "live", by: "long poll" });
    const hangUp = this.#hangUp;
    const polled = exchange.longPoll(LONG_POLL_SECONDS, hangUp.signal);
    let isOver = false;
    void polled.finally(() => {
      isOver = true;
      this.#bell.ring();
    });
    await this.#bell.wait(null);
    // An edit does not wait for the poll to end.
    if (!isOver) hangUp.abort();
    const step = await polled;
    if (this.#isStopping || hangUp.signal.aborted) return;
    if (!isFailure(step)) return;
    if (step.kind === "failed" && step.failure.kind === "unreachable") {
      this.#ways.longPoll = runtime.monotonicMs() + WAY_REST_MS;
    }
    await this.#endure(step);
  }
}
