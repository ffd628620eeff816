import type { ClientRuntime } from "../runtime/client-runtime.ts";
import { beginAttempt } from "./attempt.ts";
import { LiveSocket, type SocketEnd } from "./live-socket.ts";
import { liveAddress, openSocketBy, type SocketMaker } from "./open-socket.ts";
import { isSendable } from "./token-source.ts";
import type { GetToken, OnPage, PullFrom, StreamEnd, Transport } from "./transport.ts";
import { defaultTransportLimits, type TransportLimits } from "./transport-limits.ts";

export type LiveTransportOptions = {
  readonly url: string;
  readonly space: string;
  readonly getToken: GetToken;
  readonly runtime: ClientRuntime;
  readonly webSocket: SocketMaker;
  readonly limits?: Partial<TransportLimits>;
};

/** Null: the app gives no token that could be sent, or the platform won't open the address. */
const openLive = async (
  options: LiveTransportOptions & { readonly limits: TransportLimits },
  from: PullFrom,
  signal: AbortSignal,
): Promise<LiveSocket | null> => {
  const { runtime, limits, space } = options;
  const attempt = beginAttempt(runtime, signal);
  // What the app throws at once is a refusal too.
  const tokenNow = async (): Promise<string | null> => options.getToken({ renew: false });
  try {
    const token = await attempt.within(limits.tokenMs, "no token in time", tokenNow());
    if (token !== null && !isSendable(token)) return null;
    const openSocket = openSocketBy(options.webSocket);
    const url = liveAddress(options.url);
    return new LiveSocket({ runtime, limits, openSocket, url, space, from, token, tokenNow });
  } catch {
    return null;
  } finally {
    attempt.end();
  }
};

/**
 * A {@link Transport} that follows over a WebSocket where one gets through, and pushes over it while
 * it is open; all else, and where none gets through, is `http`'s. What fails before the server's
 * welcome is asked again as server-sent events, at once: the answer to that is one that can be read.
 * If it comes through where the WebSocket did not, no WebSocket is tried for `socketRestMs`.
 * Spec: CLIENT-33.
 */
export const createLiveTransport = (http: Transport, options: LiveTransportOptions): Transport => {
  const { runtime } = options;
  const limits = { ...defaultTransportLimits, ...options.limits };
  let restsUntilMs = Number.NEGATIVE_INFINITY;
  let live: LiveSocket | null = null;
  const rest = (): void => {
    restsUntilMs = runtime.monotonicMs() + limits.socketRestMs;
  };

  const followSocket = async (
    from: PullFrom,
    onPage: OnPage,
    signal: AbortSignal,
  ): Promise<SocketEnd> => {
    const socket = await openLive({ ...options, limits }, from, signal);
    if (socket === null) return { kind: "no way" };
    const close = (): void => socket.close();
    signal.addEventListener("abort", close);
    if (signal.aborted) close();
    live = socket;
    try {
      for (;;) {
        const next = await socket.next();
        if ("end" in next) return next.end;
        if ((await onPage(next)) === "stop") return { kind: "stopped" };
      }
    } finally {
      signal.removeEventListener("abort", close);
      live = null;
      close();
    }
  };

  const follow = async (
    from: PullFrom,
    onPage: OnPage,
    signal: AbortSignal,
  ): Promise<StreamEnd> => {
    if (signal.aborted) return { kind: "stopped" };
    const openedAt = runtime.monotonicMs();
    if (openedAt < restsUntilMs) return http.follow(from, onPage, signal);
    const end = await followSocket(from, onPage, signal);
    if (end.kind !== "no way") {
      const isShort = runtime.monotonicMs() - openedAt < limits.socketMsMin;
      if (end.kind === "unreachable" && isShort) rest();
      return end;
    }
    let pages = 0;
    const onPageByHttp: OnPage = (page) => {
      pages += 1;
      if (pages === 1) rest();
      return onPage(page);
    };
    return http.follow(from, onPageByHttp, signal);
  };

  return {
    ...http,
    push: async (body, signal) => {
      if (live === null || !live.takes(body)) return http.sync(body, signal);
      const reply = await live.push(body, signal);
      // There a new token is asked for, and a frame that is too long may be no body that is.
      const isForHttp = reply.kind === "unauthorized" || reply.kind === "too_large";
      return isForHttp ? http.sync(body, signal) : reply;
    },
    follow,
  };
};
