import type { StreamEvent, WirePullAnswer, WireSyncAnswer } from "@synchro/protocol";

/**
 * Why a request has no answer that could be applied. None of these says anything about a change's
 * durability, and none is final for one, save `too_large` for a change that was sent alone.
 */
export type TransportFailure =
  /** 401: the token is missing, expired or revoked. */
  | { readonly kind: "unauthorized" }
  /** 403: the token holds the space, but not the right. */
  | { readonly kind: "forbidden" }
  /** 404: the space is not one of the token's, or the address is wrong. */
  | { readonly kind: "hidden" }
  /** 413. */
  | { readonly kind: "too_large" }
  /** Any other 4xx: the same request will never pass. A defect of the client, or a server of another version. */
  | {
      readonly kind: "refused";
      readonly status: number;
      readonly code: string;
      readonly detail: string;
    }
  /** 429, 503 and 507: not now. `retryAfterMs` as the server says, null where it does not. */
  | { readonly kind: "busy"; readonly code: string; readonly retryAfterMs: number | null }
  /** No answer, one that was cut off or can't be read, or another 5xx. */
  | { readonly kind: "unreachable"; readonly reason: string };

export type Reply<Answer> =
  | { readonly kind: "answered"; readonly answer: Answer }
  | TransportFailure;

/** Where a pull goes on from. */
export type PullFrom = {
  readonly cursor: string | null;
  readonly ack: string | null;
  /** Names; null: all. */
  readonly collections: readonly string[] | null;
  readonly tombstones: boolean;
  readonly limit: number | null;
};

/** One page, from whatever form it came in. */
export type Page = Pick<StreamEvent, "cursor" | "changes"> &
  Partial<Pick<StreamEvent, "more" | "reset" | "digest">>;

/**
 * How pages are handed over: the next one is read when `onPage` has resolved (that is the brake on a
 * fast server); `"stop"` closes the connection.
 */
export type OnPage = (page: Page) => Promise<"go on" | "stop">;

/** How a stream of pages came to its end: in good order, stopped by `onPage` or the signal, or not at all. */
export type StreamEnd =
  | { readonly kind: "ended" }
  | { readonly kind: "stopped" }
  | TransportFailure;

/**
 * The wire as the sync loop sees it: one space of one server. It knows no rule of the protocol
 * beside the forms of its messages, keeps nothing, and retries nothing.
 *
 * Guarantees: every method resolves, within its time, whatever the network does, and never rejects
 * but for a defect. A reply is `answered` only if a whole 200 was read and has the members that the
 * answer must have. An answer that arrives after `signal` was aborted is dropped.
 */
export interface Transport {
  /** `POST …/sync`. `body` is JSON text, sent as it is. */
  sync(body: string, signal: AbortSignal): Promise<Reply<WireSyncAnswer>>;
  /**
   * `sync` of a body that says `"pull": false`, over the connection that `follow` holds open where
   * that takes it. Absent: `sync` does it.
   */
  push?(body: string, signal: AbortSignal): Promise<Reply<WireSyncAnswer>>;
  /** `GET …/changes`: one page, or a long poll of `waitSeconds`. */
  pull(
    from: PullFrom,
    waitSeconds: number | null,
    signal: AbortSignal,
  ): Promise<Reply<WirePullAnswer>>;
  /** `GET …/changes` as NDJSON: `ended` only after a last line that has `more`. */
  readPages(from: PullFrom, onPage: OnPage, signal: AbortSignal): Promise<StreamEnd>;
  /**
   * The same without an end: page after page as they are committed, over whatever connection gets
   * through, until the server ends it, something fails or the line has fallen silent.
   */
  follow(from: PullFrom, onPage: OnPage, signal: AbortSignal): Promise<StreamEnd>;
}

/** Gives the token for the next request; `renew`: the last one was refused. Null: there is none. */
export type GetToken = (options: { readonly renew: boolean }) => Promise<string | null>;
