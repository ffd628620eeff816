import type { Socket } from "node:net";
import type { Cancel, Runtime } from "@synchro/core";
import type { Limits } from "@synchro/protocol";
import type { WebSocket } from "ws";

const AS_TEXT = { binary: false } as const;

export type OutletDeps = {
  readonly runtime: Pick<Runtime, "after">;
  readonly limits: Pick<Limits, "liveBufferBytesMax" | "streamStallMs" | "streamPageBytesMax">;
};

/**
 * The way out of a WebSocket. What was written and not taken is bounded by whoever writes: past
 * `liveBufferBytesMax` it `isFull`, and its owner's `onRoom` is called once all of it was taken. Who takes
 * nothing of it for `streamStallMs`, for each page that it may be, is cut off without a close frame:
 * it would not take that either. Spec: LIVE-23, LIVE-25.
 */
export class LiveOutlet {
  readonly #deps: OutletDeps;
  readonly #socket: WebSocket;
  readonly #duplex: Socket;
  readonly #owner: { readonly onRoom: () => void };
  #cancelStall: Cancel | null = null;
  #hasListener = false;

  constructor(
    deps: OutletDeps,
    socket: WebSocket,
    duplex: Socket,
    owner: { readonly onRoom: () => void },
  ) {
    this.#deps = deps;
    this.#socket = socket;
    this.#duplex = duplex;
    this.#owner = owner;
  }

  /** Whether nothing more should be written but what must not be lost. */
  get isFull(): boolean {
    return (
      this.#duplex.writableNeedDrain &&
      this.#duplex.writableLength >= this.#deps.limits.liveBufferBytesMax
    );
  }

  /** Sends a text frame. One that was given as bytes must not change afterwards. */
  send(frame: string | Buffer): void {
    this.#socket.send(frame, AS_TEXT);
    this.#watch();
  }

  /** Cuts the connection off. */
  cut(): void {
    this.#socket.terminate();
  }

  close(): void {
    this.#cancelStall?.();
    this.#cancelStall = null;
  }

  #watch(): void {
    // Mostly the system has taken it at once: nothing of what follows costs anything then.
    if (this.#duplex.writableLength === 0 || this.#cancelStall !== null) return;
    this.#expectProgress();
    if (this.#hasListener) return;
    this.#hasListener = true;
    this.#duplex.on("drain", () => {
      this.close();
      this.#owner.onRoom();
    });
  }

  /** Bytes of the writes that were taken as a whole. */
  get #taken(): number {
    return this.#duplex.bytesWritten - this.#duplex.writableLength;
  }

  /** Looks again when it must have taken something; what it sends meanwhile is no sign of that. */
  #expectProgress(): void {
    const { runtime, limits } = this.#deps;
    const taken = this.#taken;
    const pages = Math.ceil(this.#duplex.writableLength / limits.streamPageBytesMax);
    this.#cancelStall = runtime.after(pages * limits.streamStallMs, () => {
      this.#cancelStall = null;
      if (this.#duplex.writableLength === 0) return;
      if (this.#taken === taken) this.cut();
      else this.#expectProgress();
    });
  }
}
