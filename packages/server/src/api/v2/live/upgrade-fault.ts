import type { IncomingMessage } from "node:http";
import { LIVE_SUBPROTOCOL } from "@synchro/protocol";
import type { Denial } from "../../../service/denial.ts";

/** 16 bytes in base64 (RFC 6455, section 4.1). */
const KEY = /^[+/0-9A-Za-z]{22}==$/;

const VERSION = "13";

/**
 * Whether a page may connect: it is the server's own, or of an origin that the operator lets in.
 * Programs that are no browser send no origin. Spec: LIVE-17.
 */
const isAllowedOrigin = (
  { origin, host }: IncomingMessage["headers"],
  origins: ReadonlySet<string>,
): boolean => {
  if (origin === undefined || origins.has(origin)) return true;
  return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase();
};

const protocolsOf = (header: string | undefined): readonly string[] =>
  (header ?? "").split(",").map((name) => name.trim());

/** Why a request is not let in as a WebSocket (RFC 6455, section 4.2.1), whoever sends it; null: it is. Spec: LIVE-16. */
export const upgradeFault = (
  { method, headers }: Pick<IncomingMessage, "method" | "headers">,
  origins: ReadonlySet<string>,
): Denial | null => {
  const isUpgrade =
    method === "GET" &&
    headers.upgrade?.toLowerCase() === "websocket" &&
    headers["sec-websocket-version"] === VERSION;
  if (!isUpgrade) {
    const detail = `connect with a WebSocket of version ${VERSION}`;
    return { code: "upgrade_required", detail };
  }
  if (!KEY.test(headers["sec-websocket-key"] ?? "")) {
    return { code: "bad_request", detail: "Sec-WebSocket-Key must be 16 bytes in base64" };
  }
  if (!protocolsOf(headers["sec-websocket-protocol"]).includes(LIVE_SUBPROTOCOL)) {
    const detail = `Sec-WebSocket-Protocol must offer ${LIVE_SUBPROTOCOL}`;
    return { code: "bad_request", detail };
  }
  if (!isAllowedOrigin(headers, origins)) {
    return { code: "origin_not_allowed", detail: "pages of this origin may not connect" };
  }
  return null;
};
