import type { PullFrom } from "./transport.ts";

/** Where one space of one server is asked. A token never stands in an address. */
export type SpaceAddress = {
  readonly sync: string;
  readonly changes: (from: PullFrom, waitSeconds: number | null) => string;
};

const assertBase = (url: string): void => {
  // Within a page a path of its own origin will do: fetch resolves it.
  if (url.startsWith("/") && !url.startsWith("//") && !/[?#]/.test(url)) return;
  const parsed = URL.canParse(url) ? new URL(url) : null;
  const isBase =
    parsed !== null &&
    (parsed.protocol === "https:" || parsed.protocol === "http:") &&
    parsed.username === "" &&
    parsed.password === "" &&
    !/[?#]/.test(url);
  if (!isBase) {
    throw new Error("url must be an http(s) address without credentials, query and fragment");
  }
};

const changesQuery = (from: PullFrom, waitSeconds: number | null): string => {
  const query = new URLSearchParams();
  if (from.cursor !== null) query.set("cursor", from.cursor);
  if (from.ack !== null) query.set("ack", from.ack);
  if (from.collections !== null) query.set("collections", from.collections.join(","));
  if (from.limit !== null) query.set("limit", String(from.limit));
  if (from.tombstones) query.set("tombstones", "true");
  if (waitSeconds !== null) query.set("wait", String(waitSeconds));
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
};

/**
 * @param url Where the server is: an http(s) address that may end in a path, or a path of the page's own origin.
 * @throws Error if `url` is no such thing.
 */
export const spaceAddress = (url: string, space: string): SpaceAddress => {
  assertBase(url);
  const base = `${url.replace(/\/+$/, "")}/v2/spaces/${encodeURIComponent(space)}`;
  return {
    sync: `${base}/sync`,
    changes: (from, waitSeconds) => `${base}/changes${changesQuery(from, waitSeconds)}`,
  };
};
