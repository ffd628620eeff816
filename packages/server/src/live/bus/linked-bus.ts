import type { Cancel, Runtime } from "@synchro/core";
import type { Bus, BusListener, Hint } from "./bus.ts";
import type { BusObserver } from "./bus-observer.ts";
import { readPayload } from "./hint-payload.ts";
import type { Dial, Line } from "./line.ts";
import { createPendingHints, type PendingHints } from "./pending-hints.ts";

/** Milliseconds between two sends: what is published meanwhile shares the next one. */
const COALESCE_MS = 5;

/** Milliseconds between two probes, and for which one may take. Silent death is noticed within both. */
export const PROBE_EVERY_MS = 2_000;
export const PROBE_TAKES_MS_MAX = 2_000;

/** Milliseconds that opening a line may take. */
const DIAL_MS_MAX = 5_000;

/** Milliseconds that a close may take to tell what is left. */
const FAREWELL_MS_MAX = 500;

/** Milliseconds before the next attempt: doubled with each failure, half of it at random. */
const REDIAL_MS_MIN = 100;
const REDIAL_MS_MAX = 5_000;

export type LinkedBusDeps = {
  readonly runtime: Runtime;
  readonly observer: BusObserver;
};

const messageOf = (error: unknown): string =>
  error instanceof Error && error.message !== "" ? error.message : String(error);

/** The result, or a rejection as soon as the line has ended: not everything on it is told. */
const untilEnded = <Result>(line: Line, work: Promise<Result>): Promise<Result> =>
  Promise.race([
    work,
    line.ended.then((reason) => {
      throw new Error(reason);
    }),
  ]);

/** A bus over a connection that is opened again, for ever, whenever it is lost or falls silent. */
export class LinkedBus implements Bus {
  readonly #runtime: Runtime;
  readonly #observer: BusObserver;
  readonly #dial: Dial;
  readonly #listeners = new Set<BusListener>();
  readonly #pending: PendingHints = createPendingHints();
  readonly #closing = new AbortController();
  readonly #ended: Promise<void>;
  #line: Line | null = null;
  #closed: Promise<void> | null = null;
  #isSending = false;
  #failures = 0;
  #isToldDown = false;

  constructor(deps: LinkedBusDeps, dial: Dial) {
    this.#runtime = deps.runtime;
    this.#observer = deps.observer;
    this.#dial = dial;
    this.#ended = this.#keepConnected();
  }

  publish(hint: Hint): void {
    if (this.#closed !== null) return;
    this.#pending.add(hint);
    this.#sendSoon();
  }

  listen(listener: BusListener): Cancel {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** A node that is stopped has often just committed: what it has to tell goes out first. */
  async #close(): Promise<void> {
    this.#listeners.clear();
    const line = this.#line;
    if (line !== null && !this.#pending.isEmpty()) {
      const farewell = untilEnded(line, line.send(this.#pending.take().payloads));
      await this.#within(FAREWELL_MS_MAX, farewell).catch(() => {});
    }
    this.#closing.abort();
    await this.#ended;
  }

  async #keepConnected(): Promise<void> {
    const { signal } = this.#closing;
    let isFirst = true;
    while (!signal.aborted) {
      if (!isFirst) await this.#pause(this.#redialMs());
      isFirst = false;
      if (signal.aborted) return;
      const reason = await this.#live();
      this.#failures += 1;
      if (!signal.aborted) this.#tellDown(reason);
    }
  }

  /** One line, from its opening to its end; resolves with why it ended. */
  async #live(): Promise<string> {
    let line: Line;
    try {
      line = await this.#open();
    } catch (error) {
      return messageOf(error);
    }
    this.#failures = 0;
    this.#isToldDown = false;
    this.#line = line;
    this.#observer.onUp();
    for (const listener of this.#listeners) listener.onGap();
    this.#sendSoon();
    try {
      return await this.#watch(line);
    } finally {
      this.#line = null;
      line.drop();
    }
  }

  async #open(): Promise<Line> {
    const attempt = new AbortController();
    const opening = this.#dial(
      (payload) => this.#receive(payload),
      AbortSignal.any([attempt.signal, this.#closing.signal]),
    );
    try {
      return await this.#within(DIAL_MS_MAX, opening);
    } catch (error) {
      attempt.abort();
      // It may have come up just now.
      opening.then(
        (late) => late.drop(),
        () => {},
      );
      throw error;
    }
  }

  /** Asks again and again whether the line still carries; resolves with the reason when it doesn't. */
  async #watch(line: Line): Promise<string> {
    for (;;) {
      const reason = await Promise.race([line.ended, this.#pause(PROBE_EVERY_MS)]);
      if (reason !== undefined) return reason;
      if (this.#closing.signal.aborted) return "closed";
      try {
        await this.#within(PROBE_TAKES_MS_MAX, untilEnded(line, line.probe()));
      } catch (error) {
        return messageOf(error);
      }
    }
  }

  #receive(payload: string): void {
    const { hints, isGap, malformed } = readPayload(payload);
    if (malformed > 0) this.#observer.countHints("malformed", malformed);
    if (hints.length > 0) this.#observer.countHints("received", hints.length);
    for (const listener of this.#listeners) {
      for (const hint of hints) listener.onHint(hint);
      if (isGap) listener.onGap();
    }
  }

  #sendSoon(): void {
    if (this.#isSending || this.#line === null) return;
    this.#isSending = true;
    this.#runtime.soon(() => void this.#send());
  }

  async #send(): Promise<void> {
    let line = this.#line;
    while (line !== null && !this.#pending.isEmpty()) {
      const taken = this.#pending.take();
      try {
        await this.#within(PROBE_TAKES_MS_MAX, untilEnded(line, line.send(taken.payloads)));
        this.#observer.countHints("sent", taken.bySpace.size);
        await this.#pause(COALESCE_MS);
      } catch {
        this.#pending.putBack(taken);
        line.drop();
        // Else whoever opens the next one sends it.
        if (this.#line === line) break;
      }
      line = this.#line;
    }
    this.#isSending = false;
  }

  #tellDown(reason: string): void {
    if (this.#isToldDown) return;
    this.#isToldDown = true;
    this.#observer.onDown(reason);
  }

  #redialMs(): number {
    const ceiling = Math.min(REDIAL_MS_MAX, REDIAL_MS_MIN * 2 ** Math.min(this.#failures, 10));
    return ceiling * (0.5 + (this.#runtime.randomBytes(1)[0] ?? 0) / 512);
  }

  /** Ends early when the bus is closed. */
  #pause(ms: number): Promise<undefined> {
    const { signal } = this.#closing;
    return new Promise((resolve) => {
      if (signal.aborted) {
        resolve(undefined);
        return;
      }
      const finish = (): void => {
        cancel();
        signal.removeEventListener("abort", finish);
        resolve(undefined);
      };
      const cancel = this.#runtime.after(ms, finish);
      signal.addEventListener("abort", finish);
    });
  }

  /** Rejects if it takes longer than that, or the bus is closed. */
  #within<Result>(ms: number, work: Promise<Result>): Promise<Result> {
    const { signal } = this.#closing;
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        cancel();
        signal.removeEventListener("abort", giveUp);
      };
      const giveUp = (): void => {
        settle();
        reject(new Error(signal.aborted ? "closed" : `no answer for ${ms} ms`));
      };
      const cancel = this.#runtime.after(ms, giveUp);
      signal.addEventListener("abort", giveUp);
      work.then(resolve, reject).finally(settle);
    });
  }
}
