/** One connection to what carries a bus's messages, from when it is open until it ends. */
export type Line = {
  /** Sends messages of at most `PAYLOAD_BYTES_MAX` bytes; resolves once the medium has them. */
  readonly send: (payloads: readonly string[]) => Promise<void>;
  /** Resolves if messages still come: asks the other end, and whether this one still listens. */
  readonly probe: () => Promise<void>;
  /** Resolves with the reason when the connection is lost. Never rejects. */
  readonly ended: Promise<string>;
  /** Ends it, without waiting for the other end; `ended` resolves. Idempotent; never throws. */
  readonly drop: () => void;
};

/**
 * Opens a line that listens from the moment it resolves, and passes on every message of the others.
 * Rejects where that can't be done now. When `signal` aborts the attempt ends, and leaves nothing.
 */
export type Dial = (onPayload: (payload: string) => void, signal: AbortSignal) => Promise<Line>;
