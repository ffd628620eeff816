import type {
  Change,
  Problem,
  SyncRequestDocument,
  WirePullAnswer,
  WireSyncAnswer,
} from "@synchro/protocol";

type At = { readonly url: string };

/** An answer as it came: the body as text, and as JSON. */
export type Reply = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: unknown;
};

export const replyOf = async (response: Response): Promise<Reply> => {
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: JSON.parse(text) };
};

export const shop = "shop-1";

/** Sends a body as it is, or as JSON where it is no text. */
export const postSync = async (at: At, body: unknown, space = shop): Promise<Reply> =>
  replyOf(
    await fetch(`${at.url}/v2/spaces/${space}/sync`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: typeof body === "string" ? body : JSON.stringify(body),
    }),
  );

export const get = async (
  at: At,
  path: string,
  headers: { readonly [name: string]: string } = {},
): Promise<Reply> => replyOf(await fetch(`${at.url}${path}`, { headers }));

export type Query = { readonly [name: string]: string | number | boolean };

export const changesPath = (query: Query = {}, space = shop): string => {
  const parameters = Object.entries(query).map(([name, value]) => [name, String(value)]);
  return `/v2/spaces/${space}/changes?${new URLSearchParams(parameters).toString()}`;
};

const ok = (reply: Reply): unknown => {
  if (reply.status !== 200) throw new Error(`${reply.status}: ${reply.text}`);
  return reply.json;
};

/** A sync that is answered with 200. */
export const sync = async (
  at: At,
  request: SyncRequestDocument,
  space = shop,
): Promise<WireSyncAnswer> => ok(await postSync(at, request, space)) as WireSyncAnswer;

/** Changes that are sent and applied, and nothing else. */
export const push = async (
  at: At,
  changes: readonly Change[],
  space = shop,
): Promise<WireSyncAnswer> => sync(at, { changes, pull: false }, space);

/** A pull that is answered with 200. */
export const pull = async (at: At, query: Query = {}, space = shop): Promise<WirePullAnswer> =>
  ok(await get(at, changesPath(query, space))) as WirePullAnswer;

/** The problem document of a reply that has this status, or an error that shows what came instead. */
export const problemOf = (reply: Reply, status: number): Problem => {
  const type = reply.headers.get("content-type");
  if (reply.status !== status || type !== "application/problem+json") {
    throw new Error(`${reply.status} ${type}: ${reply.text.slice(0, 300)}`);
  }
  return reply.json as Problem;
};

/** A valid change of `readings`, with whatever else is said of it. */
export const reading = (key: string, updatedAt: string, more: Partial<Change> = {}): Change => ({
  collection: "readings",
  key,
  updated_at: updatedAt,
  value: { expiration_date: "2026-12-01" },
  ...more,
});

export const deletion = (key: string, updatedAt: string, collection = "readings"): Change => ({
  collection,
  key,
  updated_at: updatedAt,
  deleted: true,
});
