import type { LiveClientFrame, LivePushDocument, WireSyncAnswer } from "@synchro/protocol";
import type { ClientRuntime } from "../runtime/client-runtime.ts";
import { failureOfProblem, problemOf } from "./failure-of-problem.ts";
import { parseJson } from "./json-answer.ts";
import { NOT_SYNCHRO } from "./not-synchro.ts";
import type { OpenSocket, Socket } from "./open-socket.ts";
import type { Page, PullFrom, Reply, StreamEnd, TransportFailure } from "./transport.ts";
import type { TransportLimits } from "./transport-limits.ts";
import { isMembers, isStreamEvent, isSyncAnswer, type Members } from "./wire-form.ts";

export type LiveSocketOptions = {
  readonly openSocket: OpenSocket;
  readonly url: string;
  readonly space: string;
  readonly from: PullFrom;
  /** Null: a server in open mode. */
  readonly token: string | null;
  /** The app's token of now: a new one goes to the server before the old one ends. */
  readonly tokenNow: () => Promise<string | null>;
  readonly runtime: ClientRuntime;
  readonly limits: TransportLimits;
};

/** How it ended. `no way`: before the server had welcomed it, for whatever reason. */
export type SocketEnd = StreamEnd | { readonly kind: "no way" };

const SUBSCRIPTION = "s";
/** Bytes of a UTF-16 code unit in UTF-8, at most, and of what a push says before its request. */
const CHAR_BYTES_MAX = 3;
const PUSH_HEAD_BYTES_MAX = 256;
const CUT_OFF = "the connection was cut off";

const unreachable = (reason: string): TransportFailure => ({ kind: "unreachable", reason });

type ClientFrame = Exclude<LiveClientFrame, LivePushDocument>;

const subscribeFrame = (space: string, from: PullFrom): ClientFrame => ({
  type: "subscribe",
  id: SUBSCRIPTION,
  space,
  cursor: from.cursor,
  ...(from.ack === null ? {} : { ack: from.ack }),
  ...(from.collections === null ? {} : { collections: [...from.collections] }),
  ...(from.limit === null ? {} : { limit: from.limit }),
  ...(from.tombstones ? { tombstones: true } : {}),
});

/**
 * One connection to `/v2/live`: one space is followed over it, and pushes go out beside. A browser's
 * WebSocket has no brake, so pages wait here, up to a bound; past it the connection is given up, and
 * what it would have brought is read again from where the caller stands. Spec: CLIENT-34, CLIENT-35.
 */
export class LiveSocket {
  readonly #options: LiveSocketOptions;
  readonly #socket: Socket;
  readonly #pages: { readonly page: Page; readonly chars: number }[] = [];
  readonly #pushes = new Map<unknown, (reply: Reply<WireSyncAnswer>) => void>();
  #token: string | null;
  #queuedChars = 0;
  #lastId = 0;
  #isWelcome = false;
  /** What the server takes in one frame, in bytes. */
  #frameBytesMax = Number.POSITIVE_INFINITY;
  #isHeard = true;
  /** What the server told of the connection as a whole: it closes next. */
  #verdict: TransportFailure | null = null;
  #end: SocketEnd | null = null;
  #wake = (): void => {};
  #cancelTimer: () => void;

  /** @throws what the platform throws for an address that it can't open. */
  constructor(options: LiveSocketOptions) {
    this.#options = options;
    this.#token = options.token;
    const { runtime, limits, space, from } = options;
    const socket = options.openSocket(options.url);
    this.#socket = socket;
    this.#cancelTimer = runtime.after(limits.socketOpenMs, () => this.#finish({ kind: "no way" }));
    socket.addEventListener("open", () => {
      this.#send({ type: "hello", protocol: 2, ...this.#tokenMember() });
      this.#send(subscribeFrame(space, from));
    });
    socket.addEventListener("message", ({ data }) => this.#hear(data));
    socket.addEventListener("close", ({ code }) => this.#closed(code));
    // A close follows, and says no more than this.
    socket.addEventListener("error", () => {});
  }

  /** Whether it is open, was welcomed, and has frames that are large enough for this push. */
  takes(body: string): boolean {
    const isOpen = this.#isWelcome && this.#end === null;
    if (!isOpen || body.length > this.#options.limits.socketPushCharsMax) return false;
    return body.length * CHAR_BYTES_MAX + PUSH_HEAD_BYTES_MAX <= this.#frameBytesMax;
  }

  /** The next page, or how it ended: then nothing more comes. One waits at a time. */
  async next(): Promise<Page | { readonly end: SocketEnd }> {
    for (;;) {
      const next = this.#pages.shift();
      if (next !== undefined) {
        this.#queuedChars -= next.chars;
        return next.page;
      }
      if (this.#end !== null) return { end: this.#end };
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** A sync request's text, as a push. `unreachable` where no answer came, whatever the server did. */
  push(body: string, signal: AbortSignal): Promise<Reply<WireSyncAnswer>> {
    const { runtime, limits, space } = this.#options;
    this.#lastId += 1;
    const id = String(this.#lastId);
    return new Promise((resolve) => {
      const settle = (reply: Reply<WireSyncAnswer>): void => {
        cancel();
        signal.removeEventListener("abort", stop);
        this.#pushes.delete(id);
        resolve(reply);
      };
      const stop = (): void => settle(unreachable("stopped by the caller"));
      const cancel = runtime.after(limits.answerMs, () => settle(unreachable("no answer in time")));
      if (signal.aborted || this.#end !== null) return stop();
      signal.addEventListener("abort", stop);
      this.#pushes.set(id, settle);
      // Members that a push has no use for mean nothing to the server.
      const members = JSON.stringify({ type: "push", id, space });
      this.#socket.send(`${members.slice(0, -1)},${body.trimStart().slice(1)}`);
    });
  }

  close(): void {
    this.#pages.length = 0;
    this.#finish({ kind: "stopped" });
  }

  #send(frame: ClientFrame): void {
    this.#socket.send(JSON.stringify(frame));
  }

  #tokenMember(): { readonly token?: string } {
    return this.#token === null ? {} : { token: this.#token };
  }

  #hear(data: unknown): void {
    if (this.#end !== null) return;
    this.#isHeard = true;
    const frame = typeof data === "string" ? parseJson(data) : undefined;
    if (!isMembers(frame)) return this.#fail(NOT_SYNCHRO);
    switch (frame["type"]) {
      case "welcome":
        if (!this.#isWelcome) this.#keepAlive();
        this.#isWelcome = true;
        if (typeof frame["frame_bytes_max"] === "number") {
          this.#frameBytesMax = frame["frame_bytes_max"];
        }
        return;
      case "changes":
        if (frame["space"] === this.#options.space) this.#queue(frame, (data as string).length);
        return;
      case "results":
        this.#pushes.get(frame["id"])?.(
          isSyncAnswer(frame) ? { kind: "answered", answer: frame } : unreachable(NOT_SYNCHRO),
        );
        return;
      case "error":
        this.#hearError(frame);
    }
  }

  #queue(frame: Members, chars: number): void {
    if (!isStreamEvent(frame)) return this.#fail(NOT_SYNCHRO);
    this.#queuedChars += chars;
    // One page alone may be of any size: it is here already.
    if (this.#pages.length > 0 && this.#queuedChars > this.#options.limits.socketQueueCharsMax) {
      this.#pages.length = 0;
      return this.#finish({ kind: "ended" });
    }
    this.#pages.push({ page: frame, chars });
    this.#wake();
  }

  #hearError({ id, problem, retry_after_ms: wait }: Members): void {
    const told = problemOf(problem);
    const status = isMembers(problem) ? problem["status"] : null;
    if (told === null || typeof status !== "number") {
      return this.#fail(NOT_SYNCHRO);
    }
    const { retryAfterMsMax } = this.#options.limits;
    const waitMs = typeof wait === "number" && wait >= 0 ? Math.min(wait, retryAfterMsMax) : null;
    const failure = failureOfProblem(status, told, waitMs);
    if (id === undefined) this.#verdict = failure;
    // The token has ended: whatever is asked next over HTTP renews it.
    else if (id === SUBSCRIPTION) {
      this.#finish(failure.kind === "unauthorized" ? { kind: "ended" } : failure);
    } else this.#pushes.get(id)?.(failure);
  }

  #closed(code: number | undefined): void {
    if (this.#end !== null) return;
    // One push is in flight at a time: it is the one that was too much for a frame.
    if (code === 1009 || code === 4413) {
      for (const settle of this.#pushes.values()) settle({ kind: "too_large" });
    }
    this.#finish(this.#endOfClose(code));
  }

  #endOfClose(code: number | undefined): SocketEnd {
    // A server that is full says so to everybody: other ways to it are no better.
    if (this.#verdict?.kind === "busy") return this.#verdict;
    if (!this.#isWelcome) return { kind: "no way" };
    if (this.#verdict !== null) return this.#verdict;
    const isOrderly = code === 1000 || code === 1001;
    return isOrderly ? { kind: "ended" } : unreachable(CUT_OFF);
  }

  /**
   * Pings, which a browser can't send in any other way: a line that is dead at the other end looks
   * like one on which nothing happens. Hands over the app's token where it is a new one.
   */
  #keepAlive(): void {
    const { runtime, limits, tokenNow } = this.#options;
    this.#cancelTimer();
    this.#cancelTimer = runtime.after(limits.socketPingMs, () => {
      if (!this.#isHeard) return this.#fail("the connection fell silent");
      this.#isHeard = false;
      this.#send({ type: "ping" });
      this.#keepAlive();
      // An app that has none now may have one later; the server says when that is too late.
      tokenNow().then(
        (token) => this.#renew(token),
        () => {},
      );
    });
  }

  #renew(token: string | null): void {
    if (token === null || token === this.#token || this.#end !== null) return;
    this.#token = token;
    this.#send({ type: "token", token });
  }

  #fail(reason: string): void {
    this.#finish(this.#isWelcome ? unreachable(reason) : { kind: "no way" });
  }

  #finish(end: SocketEnd): void {
    if (this.#end !== null) return;
    this.#end = end;
    this.#cancelTimer();
    this.#socket.close();
    for (const settle of this.#pushes.values()) settle(unreachable(CUT_OFF));
    this.#wake();
  }
}
