import type { LiveChanges } from "./live-changes.ts";
import type { LiveError } from "./live-error.ts";
import type { LiveHello } from "./live-hello.ts";
import type { LivePing } from "./live-ping.ts";
import type { LivePong } from "./live-pong.ts";
import type { LivePushDocument } from "./live-push.ts";
import type { LiveResults } from "./live-results.ts";
import type { LiveSubscribe } from "./live-subscribe.ts";
import type { LiveSubscribed } from "./live-subscribed.ts";
import type { LiveToken } from "./live-token.ts";
import type { LiveUnsubscribe } from "./live-unsubscribe.ts";
import type { LiveWelcome } from "./live-welcome.ts";

/** The WebSocket subprotocol (RFC 6455, section 1.9) that clients ask for and servers choose. */
export const LIVE_SUBPROTOCOL = "synchro.v2";

/** Where a server takes connections. */
export const LIVE_PATH = "/v2/live";

/** What a client sends. */
export type LiveClientFrame =
  | LiveHello
  | LiveToken
  | LiveSubscribe
  | LiveUnsubscribe
  | LivePushDocument
  | LivePing;

/** What a server sends. */
export type LiveServerFrame =
  | LiveWelcome
  | LiveSubscribed
  | LiveChanges
  | LiveResults
  | LiveError
  | LivePong;
