import type { V1Answer, V1Record, V1SyncRequest } from "@synchro/protocol";
import { type Reply, replyOf } from "./v2-requests.ts";

type At = { readonly url: string };

export const syncPath = (shop: string): string => `/v1/sync/?shop=${shop}`;

/** Sends a body as it is, or as JSON where it is no text. */
export const postV1 = async (at: At, path: string, body: unknown): Promise<Reply> =>
  replyOf(
    await fetch(`${at.url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: typeof body === "string" ? body : JSON.stringify(body),
    }),
  );

const ok = (reply: Reply): V1Answer => {
  if (reply.status !== 200) throw new Error(`${reply.status}: ${reply.text.slice(0, 300)}`);
  return reply.json as V1Answer;
};

/** A sync that is answered with 200. */
export const syncV1 = async (at: At, shop: string, request: V1SyncRequest): Promise<V1Answer> =>
  ok(await postV1(at, syncPath(shop), request));

/** `GET /v1/readings/`, answered with 200. */
export const listV1 = async (at: At, shop: string): Promise<V1Answer> =>
  ok(await replyOf(await fetch(`${at.url}/v1/readings/?shop=${shop}`)));

/** A reading to send: gtin, stamp and expiration date. */
export const sent = (gtin: string, updatedAt: string, expirationDate = "2026-12-01"): V1Record => ({
  gtin,
  updated_at: updatedAt,
  expiration_date: expirationDate,
});

/** A reading as it comes back: its dates have been written as instants of UTC by whoever tests. */
export const shown = (
  gtin: string,
  updatedAt: string,
  expirationDate = "2026-12-01T00:00:00Z",
): V1Record => ({ gtin, updated_at: updatedAt, expiration_date: expirationDate });
