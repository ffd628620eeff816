import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

/** Connections that leave HTTP (RFC 9110, section 7.8). */
export type Upgrades = {
  /** Whether to upgrade. What is not is served as any other request, by a route that says why. */
  readonly accepts: (request: IncomingMessage) => boolean;
  /** Takes over a connection whose request was accepted just now. */
  readonly take: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** Closes all that were taken, at once. */
  readonly cut: () => void;
};
