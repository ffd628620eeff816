import { BlockList, isIP } from "node:net";
import type { IncomingMessage } from "node:http";

/** The hosts that a request may name in open mode, with any port. */
const allowedHost = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i;

const forwarding = /^(?:forwarded|x-forwarded-.*|x-real-ip)$/;

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** Why open mode does not serve a request: it names another host, or came through a proxy. */
export type OpenModeRefusal =
  | { readonly code: "host_not_allowed"; readonly detail: string }
  | { readonly code: "forwarded_refused"; readonly detail: string };

const isAllowedHost = (hosts: readonly string[]): boolean =>
  hosts.length === 1 && allowedHost.test(hosts[0] ?? "");

/** The authority of a request target in absolute form, which stands above `Host` (RFC 9112, section 3.2.2); null in origin form. */
const targetHost = (target: string): string | null =>
  target.startsWith("/") || target === "*"
    ? null
    : (/^[^:/?#]+:\/\/([^/?#]*)/.exec(target)?.[1] ?? "");

/**
 * Open mode serves programs of this machine and nobody else: a web page that has its own name point
 * here (DNS rebinding) is known by `Host`, a proxy that lets others in by the headers it adds. Null
 * if the request may pass. Spec: OPEN-*.
 */
export const openModeRefusal = (request: IncomingMessage): OpenModeRefusal | null => {
  const hosts: string[] = [];
  const { rawHeaders } = request;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? "").toLowerCase();
    if (name === "host") hosts.push(rawHeaders[at + 1] ?? "");
    else if (forwarding.test(name)) {
      const detail = `the header ${name} tells of a proxy, and open mode serves this machine only`;
      return { code: "forwarded_refused", detail };
    }
  }
  const authority = targetHost(request.url ?? "/");
  if (isAllowedHost(hosts) && (authority === null || isAllowedHost([authority]))) return null;
  return {
    code: "host_not_allowed",
    detail: "the Host of a request must be localhost, 127.0.0.1 or [::1] in open mode",
  };
};

/**
 * The address to bind for a host that was asked for; null if it is not loopback, which open mode
 * never binds. `localhost` is 127.0.0.1: one name, one address, one port.
 */
export const openModeAddress = (host: string): string | null => {
  if (host.toLowerCase() === "localhost") return "127.0.0.1";
  const address = /^\[.*\]$/.test(host) ? host.slice(1, -1) : host;
  const family = isIP(address);
  if (family === 0) return null;
  return loopback.check(address, family === 6 ? "ipv6" : "ipv4") ? address : null;
};
