import type { LIVE_PATH, LIVE_SUBPROTOCOL } from "@synchro/protocol";

/** What of a WebSocket is called. */
export type Socket = {
  readonly send: (text: string) => void;
  readonly close: () => void;
  readonly addEventListener: (
    name: "open" | "message" | "close" | "error",
    listener: (event: { readonly data?: unknown; readonly code?: number }) => void,
  ) => void;
};

/** What makes WebSockets: the platform's own, or one like it. */
export type SocketMaker = new (url: string, protocol: string) => Socket;

/** Opens a connection to an address. */
export type OpenSocket = (url: string) => Socket;

// Written out, as the client takes types alone of the wire's messages; the types hold them to it.
const PATH: typeof LIVE_PATH = "/v2/live";
const SUBPROTOCOL: typeof LIVE_SUBPROTOCOL = "synchro.v2";

export const openSocketBy =
  (Maker: SocketMaker): OpenSocket =>
  (url) =>
    new Maker(url, SUBPROTOCOL);

/** Where a server takes live connections. @param url its base, or a path of the page's own origin */
export const liveAddress = (url: string): string => {
  const base = url.startsWith("/") && typeof location === "object" ? location.origin + url : url;
  return `${base.replace(/\/+$/, "").replace(/^http/i, "ws")}${PATH}`;
};
