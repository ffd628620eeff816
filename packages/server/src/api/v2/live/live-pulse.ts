import type { Socket } from "node:net";
import type { WebSocket } from "ws";

/** Bytes of a frame that may come as slowly as they like; a longer one must be there within two beats. */
const SLOW_BYTES_MAX = 64 * 1024;

/** What is wrong with a connection at a beat: it gives no sign of life, or sends a frame bit by bit. */
export type PulseFault = "dead" | "slow";

/** Whether a connection lives, by what comes from it. Spec: LIVE-27. */
export class LivePulse {
  readonly #socket: WebSocket;
  readonly #duplex: Socket;
  #isAlive = true;
  /** Bytes that had come when the last frame was whole. */
  #bytesAtFrame = 0;
  #wasSlow = false;

  constructor(socket: WebSocket, duplex: Socket) {
    this.#socket = socket;
    this.#duplex = duplex;
    socket.on("pong", () => (this.#isAlive = true));
  }

  /** A whole frame came. */
  noteFrame(): void {
    this.#isAlive = true;
    this.#wasSlow = false;
    this.#bytesAtFrame = this.#duplex.bytesRead;
  }

  /** Calls `onTooMany` if more than so many bytes come before the first frame is whole. */
  boundFirstFrame(bytesMax: number, onTooMany: () => void): void {
    const duplex = this.#duplex;
    const most = duplex.bytesRead + bytesMax;
    // It hears of bytes after the socket has made frames of them.
    const look = (): void => {
      if (this.#bytesAtFrame > 0) duplex.off("data", look);
      else if (duplex.bytesRead > most) onTooMany();
    };
    duplex.on("data", look);
  }

  /** Once a period: what is wrong, or null; then it asks for the next sign of life. */
  beat(): PulseFault | null {
    if (!this.#isAlive) return "dead";
    const isSlow = this.#duplex.bytesRead - this.#bytesAtFrame > SLOW_BYTES_MAX;
    if (isSlow && this.#wasSlow) return "slow";
    this.#wasSlow = isSlow;
    this.#isAlive = false;
    this.#socket.ping();
    return null;
  }
}
