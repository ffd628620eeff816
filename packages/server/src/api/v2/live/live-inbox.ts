import type { WebSocket } from "ws";

/** Frames, and bytes of them, that may wait; then the connection is read no further until none does. */
const WAITING_FRAMES_MAX = 16;
const WAITING_BYTES_MAX = 64 * 1024;

/** Whose frames they are; `handle` never rejects. */
export type FrameHandler = { readonly handle: (frame: Buffer) => Promise<void> };

/**
 * The way into a WebSocket: one frame after another, each handled before the next is looked at. Who
 * sends faster than that is not read from, so that it waits and not the server's memory. Spec: LIVE-26.
 */
export class LiveInbox {
  readonly #socket: WebSocket;
  readonly #owner: FrameHandler;
  #waiting: Buffer[] = [];
  #bytes = 0;
  #isRunning = false;
  #isClosed = false;

  constructor(socket: WebSocket, owner: FrameHandler) {
    this.#socket = socket;
    this.#owner = owner;
  }

  add(frame: Buffer): void {
    if (this.#isClosed) return;
    this.#waiting.push(frame);
    this.#bytes += frame.length;
    if (this.#isOver) this.hold();
    void this.#run();
  }

  /** Whether the connection is not read from now. */
  get isHeld(): boolean {
    return this.#socket.isPaused;
  }

  /** Reads no further. */
  hold(): void {
    if (!this.#isClosed) this.#socket.pause();
  }

  /** Reads on, unless too much waits. */
  readOn(): void {
    if (this.#socket.isPaused && !this.#isOver) this.#socket.resume();
  }

  /** Forgets what waits; nothing more is handled. What comes is read on: a close frame may be in it. */
  close(): void {
    this.#isClosed = true;
    this.#waiting = [];
    this.#bytes = 0;
    this.readOn();
  }

  get #isOver(): boolean {
    return this.#waiting.length >= WAITING_FRAMES_MAX || this.#bytes >= WAITING_BYTES_MAX;
  }

  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    for (let frame = this.#waiting.shift(); frame !== undefined; frame = this.#waiting.shift()) {
      await this.#owner.handle(frame);
      this.#bytes -= frame.length;
    }
    this.#bytes = 0;
    this.#isRunning = false;
    this.readOn();
  }
}
