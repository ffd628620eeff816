import type { ClientRuntime } from "../runtime/client-runtime.ts";
import { type HttpExchange, readAnswer, readPagesOf } from "./http-exchange.ts";
import { eventStreamForm, ndjsonForm, type PageForm } from "./page-form.ts";
import { encodeRequestBody } from "./encode-request-body.ts";
import type { Fetch, HttpRequest } from "./send-request.ts";
import { spaceAddress } from "./space-address.ts";
import { createTokenSource } from "./token-source.ts";
import type { GetToken, PullFrom, Transport } from "./transport.ts";
import { defaultTransportLimits, type TransportLimits } from "./transport-limits.ts";
import { isPullAnswer, isSyncAnswer } from "./wire-form.ts";

export type HttpTransportOptions = {
  /** Where the server is: an http(s) address that may end in a path, or a path of the page's own origin. */
  readonly url: string;
  readonly space: string;
  readonly getToken: GetToken;
  readonly runtime: ClientRuntime;
  /** Absent: the platform's. */
  readonly fetch?: Fetch;
  readonly limits?: Partial<TransportLimits>;
};

const JSON_TYPE = "application/json";

/**
 * A {@link Transport} over `fetch`, in browsers and in Node. Beside what that promises: the token
 * stands in a header only, never in an address or a reason; no redirect is followed; memory holds one
 * answer or page at a time, of at most `messageCharsMax`.
 *
 * @throws Error if `url` is no address of a server.
 */
export const createHttpTransport = (options: HttpTransportOptions): Transport => {
  const { runtime } = options;
  const limits = { ...defaultTransportLimits, ...options.limits };
  const address = spaceAddress(options.url, options.space);
  // Browsers refuse a `fetch` that is called as a method of something else.
  const platformFetch: Fetch = (url, init) => globalThis.fetch(url, init);
  const exchange: HttpExchange = {
    runtime,
    limits,
    fetch: options.fetch ?? platformFetch,
    tokenSource: createTokenSource(options.getToken, runtime, limits.tokenMs),
  };
  const changes = (from: PullFrom, accept: string, waitSeconds: number | null): HttpRequest => ({
    method: "GET",
    url: address.changes(from, waitSeconds),
    accept,
    body: null,
    answerMs: limits.answerMs + (waitSeconds ?? 0) * 1000,
  });
  const pages =
    (form: PageForm): Transport["follow"] =>
    (from, onPage, signal) =>
      readPagesOf(exchange, changes(from, form.mediaType, null), form, onPage, signal);
  return {
    sync: async (body, signal) => {
      const request: HttpRequest = {
        method: "POST",
        url: address.sync,
        accept: JSON_TYPE,
        body: await encodeRequestBody(body, limits.compressAboveChars),
        answerMs: limits.answerMs,
      };
      return readAnswer(exchange, request, isSyncAnswer, signal);
    },
    pull: (from, waitSeconds, signal) =>
      readAnswer(exchange, changes(from, JSON_TYPE, waitSeconds), isPullAnswer, signal),
    readPages: pages(ndjsonForm),
    follow: pages(eventStreamForm),
  };
};
