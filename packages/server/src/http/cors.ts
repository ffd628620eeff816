import type { FastifyInstance } from "fastify";
import { allowedMethods } from "./allowed-methods.ts";

const ALLOWED_HEADERS = "content-type, content-encoding, last-event-id, authorization";

/** Seconds for which a browser need not ask again. */
const PREFLIGHT_SECONDS = 600;

/**
 * Lets web pages of these origins, exactly, read answers. With none, no CORS header is ever sent.
 * Spec: OPEN-6.
 */
export const addCors = (app: FastifyInstance, origins: readonly string[]): void => {
  if (origins.length === 0) return;
  const named = new Set(origins);
  app.addHook("onRequest", (request, reply, done) => {
    const { origin } = request.headers;
    const { raw } = reply;
    // On the raw answer: streams write it themselves.
    raw.setHeader("vary", "origin");
    if (origin === undefined || !named.has(origin)) return done();
    raw.setHeader("access-control-allow-origin", origin);
    raw.setHeader("access-control-expose-headers", "retry-after, x-request-id");
    const isPreflight = request.headers["access-control-request-method"] !== undefined;
    if (request.method !== "OPTIONS" || !isPreflight) return done();
    const allowed = allowedMethods(app, request);
    if (allowed.length === 0) return done();
    return void reply
      .code(204)
      .header("access-control-allow-methods", allowed.join(", "))
      .header("access-control-allow-headers", ALLOWED_HEADERS)
      .header("access-control-max-age", PREFLIGHT_SECONDS)
      .send();
  });
};
