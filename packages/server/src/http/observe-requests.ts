import type { Runtime } from "@synchro/core";
import type { FastifyInstance } from "fastify";
import type { Logger } from "pino";
import type { Metrics } from "../metrics.ts";

/** Stands for the paths that no route has: one label, whatever clients think of. */
const NO_ROUTE = "none";

/**
 * Counts and times each request until its answer has been written or its client has gone, and logs
 * a line at `debug`. Of the address only the route's pattern is told: paths and queries name shops
 * and hold cursors.
 */
export const observeRequests = (
  app: FastifyInstance,
  deps: { readonly runtime: Runtime; readonly metrics: Metrics; readonly logger: Logger },
): void => {
  const { runtime, metrics, logger } = deps;
  app.addHook("onRequest", (request, reply, done) => {
    const startedAt = runtime.monotonicMs();
    reply.raw.once("close", () => {
      const observed = {
        method: request.method,
        route: request.routeOptions.url ?? NO_ROUTE,
        status: reply.raw.headersSent ? reply.raw.statusCode : 0,
        durationMs: runtime.monotonicMs() - startedAt,
      };
      metrics.observeRequest(observed);
      // Not even the line's fields are put together where nobody reads it.
      if (logger.isLevelEnabled("debug")) {
        logger.debug({ reqId: request.id, ...observed }, "request");
      }
    });
    done();
  });
};
