import { createHttpTransport, type HttpTransportOptions } from "./http-transport.ts";
import type { SocketMaker } from "./open-socket.ts";
import type { Fetch } from "./send-request.ts";
import type { Transport } from "./transport.ts";

export type CreateTransportOptions = Omit<HttpTransportOptions, "fetch"> & {
  /** Undefined: the platform's. */
  readonly fetch: Fetch | undefined;
  /** Null: none. Undefined: the platform's, unless `fetch` is the app's own, which it would go around. */
  readonly webSocket: SocketMaker | null | undefined;
};

const platformSocket = (): SocketMaker | null =>
  typeof WebSocket === "function" ? WebSocket : null;

/** `http`, with what is live over a WebSocket: an app without a server near does not load that code. */
const withSocket = (http: Transport, load: () => Promise<Transport>): Transport => {
  let best = http;
  return {
    ...http,
    push: (body, signal) => best.push?.(body, signal) ?? best.sync(body, signal),
    follow: async (from, onPage, signal) => {
      if (best === http) best = await load().catch(() => http);
      return best.follow(from, onPage, signal);
    },
  };
};

/** The best that the platform and the app have. @throws Error if `url` is no address of a server */
export const createTransport = ({
  fetch,
  webSocket,
  ...options
}: CreateTransportOptions): Transport => {
  const http = createHttpTransport(fetch === undefined ? options : { ...options, fetch });
  const given = fetch === undefined ? platformSocket() : null;
  const maker = webSocket === undefined ? given : webSocket;
  if (maker === null) return http;
  return withSocket(http, async () => {
    const { createLiveTransport } = await import("./live-transport.ts");
    return createLiveTransport(http, { ...options, webSocket: maker });
  });
};
