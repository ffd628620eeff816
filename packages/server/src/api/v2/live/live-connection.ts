import type { Socket } from "node:net";
import { type Cancel, isSpaceId, type SpaceId } from "@synchro/core";
import {
  encodeLiveSubscribed,
  encodeLiveWelcome,
  LIVE_PONG,
  type LiveSubscribe,
  problems,
} from "@synchro/protocol";
import type { WebSocket } from "ws";
import type { Identity } from "../../../service/authorize.ts";
import { type Denial, denialOfDecision, denialOfIdentity } from "../../../service/denial.ts";
import type { Services } from "../../../service/services.ts";
import type { SubscriptionEnd } from "../../../service/subscription.ts";
import { readCollections } from "../read-sync-request.ts";
import type { Beating } from "./live-beat.ts";
import { LiveCaller } from "./live-caller.ts";
import type { LiveDeps } from "./live-deps.ts";
import { LiveInbox } from "./live-inbox.ts";
import { LiveOutlet } from "./live-outlet.ts";
import { LivePulse } from "./live-pulse.ts";
import { answerPush, readPush } from "./live-push.ts";
import { LiveSubscription } from "./live-subscription.ts";
import { LiveTurns } from "./live-turns.ts";
import type { ClientFrame, PushFrame } from "./read-frame.ts";
import { denialFrame, denialOfFailure } from "./tell-denial.ts";

/** Bytes that come before it is known who sends them: a `hello` with the longest token fits. */
const HELLO_BYTES_MAX = 16 * 1024;

/** Close codes are 4000 and the status of the problem; RFC 6455, section 7.4.2, leaves them to applications. */
const CLOSE_BASE = 4_000;

/** The server goes away (RFC 6455, section 7.4.1). */
const GOING_AWAY = 1_001;

/**
 * One WebSocket of one client, from its upgrade to its end. It first says who it is; then it follows
 * spaces and pushes into them, each of which is authorised by itself. What it holds is bounded: the
 * frames that wait to be read, the bytes that it has not taken, the pushes under way, the spaces
 * that it follows. Spec: LIVE-16 to LIVE-29.
 */
export class LiveConnection implements Beating {
  readonly services: Services;
  readonly outlet: LiveOutlet;
  readonly turns: LiveTurns;
  readonly #deps: LiveDeps;
  readonly #socket: WebSocket;
  readonly #pulse: LivePulse;
  readonly #inbox: LiveInbox;
  readonly #caller: LiveCaller;
  readonly #subscriptions = new Map<SpaceId, LiveSubscription>();
  /** Spaces that a push is under way to; null: none. */
  #pushing: Set<SpaceId> | null = null;
  #state: "waiting" | "open" | "draining" | "ended" = "waiting";
  #clientId: string | null = null;
  #cancelHello: Cancel | null;
  #leave: (() => void) | null = null;
  /** Goes on with the frame that waits for something. */
  #wake: (() => void) | null = null;

  constructor(deps: LiveDeps, socket: WebSocket, duplex: Socket) {
    const { limits, runtime } = deps.services;
    this.#deps = deps;
    this.services = deps.services;
    this.#socket = socket;
    this.#pulse = new LivePulse(socket, duplex);
    this.outlet = new LiveOutlet(deps.services, socket, duplex, this);
    this.turns = new LiveTurns(this);
    this.#inbox = new LiveInbox(socket, this);
    this.#caller = new LiveCaller(deps.services, this);
    this.#cancelHello = runtime.after(limits.headersMs, () =>
      this.#fail({ code: "request_timeout", detail: "no hello came in time" }),
    );
    this.#listen();
  }

  /** Whether it has not said yet who it is. */
  get isWaiting(): boolean {
    return this.#state === "waiting";
  }

  /** Looked at once every `livePingMs`: whether it lives, and whether its token does. Spec: LIVE-27. */
  beat(): void {
    if (this.#state !== "open") return;
    // What is not read from can't be heard.
    const fault = this.#inbox.isHeld ? null : this.#pulse.beat();
    if (fault === "dead") return this.outlet.cut();
    if (fault === "slow") {
      return this.#fail({ code: "request_timeout", detail: "a frame came too slowly" });
    }
    // It begins the time for another token where this one has ended, also of who follows nothing.
    this.#caller.identify({ counts: false }).catch((error: unknown) => this.#crash(error));
  }

  /** The server stops: what was begun is finished, and answered; then the client goes elsewhere. Spec: LIVE-29. */
  drain(): void {
    if (this.#state === "ended" || this.#state === "draining") return;
    this.#state = "draining";
    this.#endSubscriptions();
    this.#inbox.close();
    this.#wake?.();
    if (this.#pushing === null) this.#goAway();
  }

  /** Whether the caller may still read there; asked by its subscriptions. */
  async mayStillRead(space: SpaceId): Promise<boolean> {
    return (await this.#caller.authorize(space, "read")).kind === "allowed";
  }

  /** Whether something may be read to be sent; asked by its turns. */
  get mayRead(): boolean {
    return this.#state === "open" && !this.outlet.isFull;
  }

  /** No other token came in time; called by its caller. */
  tokenIsOver(): void {
    this.#fail({ code: "unauthorized", detail: "the token has ended, and no other came" });
  }

  /** A subscription has ended by itself. */
  subscriptionEnded(one: LiveSubscription, end: SubscriptionEnd): void {
    this.turns.end(one);
    if (this.#subscriptions.get(one.space) === one) this.#subscriptions.delete(one.space);
    if (end.kind === "failed")
      return this.#refuse(one.id, denialOfFailure(end.error, this.#deps.logger));
    this.#tellWhy(one).catch((error: unknown) => this.#crash(error));
  }

  /** Who may no longer read is told what a new subscription would be. */
  async #tellWhy({ id, space }: LiveSubscription): Promise<void> {
    const decision = await this.#caller.authorize(space, "read");
    const denial: Denial =
      decision.kind === "allowed"
        ? { code: "unavailable", detail: "the caller was not known for a moment", retryAfterS: 0 }
        : denialOfDecision(decision, { space, action: "read" });
    this.#refuse(id, denial);
  }

  #listen(): void {
    const socket = this.#socket;
    socket.on("message", (data, isBinary) => {
      this.#pulse.noteFrame();
      if (!isBinary) return this.#inbox.add(data as Buffer);
      this.#fail({
        code: "unsupported_media_type",
        detail: "frames are text: binary ones are not",
      });
    });
    socket.on("close", () => this.#end());
    // What the peer did wrong closes the connection with a code of its own.
    socket.on("error", () => {});
    this.#pulse.boundFirstFrame(HELLO_BYTES_MAX, () => this.outlet.cut());
  }

  /** One frame; called by its inbox. */
  async handle(bytes: Buffer): Promise<void> {
    try {
      await this.#until(() => !this.outlet.isFull);
      if (this.#state === "waiting") await this.#greet(bytes);
      else if (this.#state === "open") await this.#handleOpen(bytes);
    } catch (error) {
      this.#crash(error);
    }
  }

  async #greet(bytes: Buffer): Promise<void> {
    if (bytes.length > HELLO_BYTES_MAX) {
      const detail = `a hello has at most ${HELLO_BYTES_MAX} bytes`;
      return this.#fail({ code: "bad_request", detail });
    }
    const reading = this.#deps.readFrame(bytes);
    if (reading.kind !== "frame") return this.#fail(reading.denial);
    const { frame } = reading;
    if (frame.type !== "hello") {
      return this.#fail({ code: "bad_request", detail: "the first frame must be hello" });
    }
    const identity = await this.#caller.take(frame.token ?? null, { counts: true });
    if (this.#state !== "waiting") return;
    if (identity.kind !== "known") return this.#fail(denialOfIdentity(identity));
    const leaveSlot = this.services.streamSlots.take("websocket");
    if (leaveSlot === null) {
      return this.#fail({
        code: "unavailable",
        detail: "as many streams are open as this server takes on",
        retryAfterS: this.services.streamSlots.retryAfterSeconds(),
      });
    }
    this.#stopWaiting();
    const stopBeat = this.#deps.addBeat(this);
    this.#leave = () => {
      leaveSlot();
      stopBeat();
    };
    this.#state = "open";
    this.#clientId = frame.client_id ?? null;
    this.#welcome();
  }

  #welcome(): void {
    this.outlet.send(encodeLiveWelcome(this.services.runtime.now(), this.services.limits));
  }

  async #handleOpen(bytes: Buffer): Promise<void> {
    const identity = await this.#identifyInRate();
    if (this.#state !== "open") return;
    const reading = this.#deps.readFrame(bytes);
    if (reading.kind === "unreadable") return this.#fail(reading.denial);
    if (reading.kind === "bad") return this.#refuse(reading.id, reading.denial);
    await this.#answer(reading.frame, identity);
  }

  /** Who the caller is; a frame that comes faster than the caller's rate waits. Spec: LIVE-26. */
  async #identifyInRate(): Promise<Identity> {
    for (;;) {
      const identity = await this.#caller.identify({ counts: true });
      if (identity.kind !== "limited" || this.#state !== "open") return identity;
      let isOver = false;
      const cancel = this.services.runtime.after(identity.retryAfterS * 1_000, () => {
        isOver = true;
        this.#wake?.();
      });
      await this.#until(() => isOver);
      cancel();
    }
  }

  async #answer(frame: ClientFrame, identity: Identity): Promise<void> {
    switch (frame.type) {
      case "ping":
        return this.outlet.send(LIVE_PONG);
      case "token":
        return this.#renew(frame.token);
      case "unsubscribe":
        return isSpaceId(frame.space) ? this.#unsubscribe(frame.space) : undefined;
      case "hello":
        return this.#refuse(null, { code: "bad_request", detail: "hello was said already" });
      case "subscribe":
      case "push":
        if (identity.kind !== "known") return this.#refuse(frame.id, denialOfIdentity(identity));
        return frame.type === "push" ? this.#push(frame) : this.#subscribe(frame);
    }
  }

  async #renew(token: string): Promise<void> {
    const identity = await this.#caller.take(token, { counts: false });
    if (this.#state !== "open") return;
    if (identity.kind === "known") this.#welcome();
    else this.#refuse(null, denialOfIdentity(identity));
  }

  async #subscribe(frame: LiveSubscribe): Promise<void> {
    const { id, space } = frame;
    if (!isSpaceId(space)) return;
    const { limits, registry } = this.services;
    const collections = readCollections(registry, frame.collections);
    if (collections.kind === "refused") return this.#refuse(id, collections);
    const decision = await this.#caller.authorize(space, "read");
    if (this.#state !== "open") return;
    if (decision.kind !== "allowed") {
      return this.#refuse(id, denialOfDecision(decision, { space, action: "read" }));
    }
    this.#unsubscribe(space);
    if (this.#subscriptions.size >= limits.liveSubscriptionsMax) {
      const detail = `a connection follows at most ${limits.liveSubscriptionsMax} spaces`;
      return this.#refuse(id, { code: "too_many_subscriptions", detail });
    }
    const subscription = new LiveSubscription(this, id, {
      space,
      cursor: frame.cursor ?? null,
      ack: frame.ack ?? null,
      collections: collections.set,
      tombstones: frame.tombstones ?? false,
      limit: frame.limit ?? null,
      bytesMax: limits.streamPageBytesMax,
    });
    this.#subscriptions.set(space, subscription);
    this.outlet.send(encodeLiveSubscribed(id, space));
    this.turns.add(subscription);
  }

  #unsubscribe(space: SpaceId): void {
    const subscription = this.#subscriptions.get(space);
    if (subscription === undefined) return;
    this.#subscriptions.delete(space);
    subscription.close();
    this.turns.end(subscription);
  }

  /** Begins a push, and does not wait for its end: frames for other spaces need not either. Spec: LIVE-24. */
  async #push(frame: PushFrame): Promise<void> {
    const { id, space } = frame;
    if (!isSpaceId(space)) return;
    const reading = readPush(this.services, frame);
    if (reading.kind === "refused") return this.#refuse(id, reading);
    const { livePushesMax } = this.services.limits;
    await this.#until(() => {
      const under = this.#pushing;
      return under === null || (!under.has(space) && under.size < livePushesMax);
    });
    if (this.#state !== "open") return;
    const action = (reading.request.changes ?? []).length > 0 ? "write" : "read";
    const decision = await this.#caller.authorize(space, action);
    if (this.#state !== "open") return;
    if (decision.kind !== "allowed") {
      return this.#refuse(id, denialOfDecision(decision, { space, action }));
    }
    this.#pushing ??= new Set();
    this.#pushing.add(space);
    const { subject } = decision;
    void this.#finishPush({ id, space, clientId: this.#clientId, subject, reading });
  }

  async #finishPush(push: Parameters<typeof answerPush>[1]): Promise<void> {
    try {
      const answer = await answerPush(this.services, push);
      if (this.#state === "ended") return;
      if (typeof answer === "string") this.outlet.send(answer);
      else this.#refuse(push.id, answer);
    } catch (error) {
      this.#refuse(push.id, denialOfFailure(error, this.#deps.logger));
    } finally {
      this.#pushing?.delete(push.space);
      if (this.#pushing?.size === 0) this.#pushing = null;
      this.#wake?.();
      if (this.#state === "draining" && this.#pushing === null) this.#goAway();
    }
  }

  /** Waits until something is so, or the connection is open no longer. One frame at a time waits. */
  async #until(isSo: () => boolean): Promise<void> {
    while (!isSo() && (this.#state === "open" || this.#state === "waiting")) {
      this.#inbox.hold();
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
      this.#wake = null;
    }
    this.#inbox.readOn();
  }

  /** All that was sent was taken; called by its outlet. */
  onRoom(): void {
    this.#inbox.readOn();
    this.#wake?.();
    this.turns.next();
  }

  #refuse(id: string | null, denial: Denial): void {
    if (this.#state === "ended") return;
    this.outlet.send(denialFrame(this.services.runtime, id, denial));
  }

  /** Says why, and closes the connection. */
  #fail(denial: Denial, closeCode = CLOSE_BASE + problems[denial.code].status): void {
    if (this.#state === "ended") return;
    this.#refuse(null, denial);
    this.#end();
    this.#socket.close(closeCode, denial.code);
  }

  #goAway(): void {
    const detail = "the server is stopping: connect again, it may be to another";
    this.#fail({ code: "unavailable", detail, retryAfterS: 0 }, GOING_AWAY);
  }

  #crash(error: unknown): void {
    this.#fail(denialOfFailure(error, this.#deps.logger));
  }

  #stopWaiting(): void {
    this.#cancelHello?.();
    this.#cancelHello = null;
  }

  #endSubscriptions(): void {
    for (const subscription of this.#subscriptions.values()) subscription.close();
    this.#subscriptions.clear();
  }

  #end(): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#stopWaiting();
    this.#caller.close();
    this.#endSubscriptions();
    this.#inbox.close();
    this.outlet.close();
    this.#leave?.();
    this.#wake?.();
  }
}
