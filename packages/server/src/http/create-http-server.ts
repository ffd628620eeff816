import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type Runtime, toHex } from "@synchro/core";
import type { Limits } from "@synchro/protocol";
import { fastify, type FastifyBaseLogger, type FastifyInstance, LogController } from "fastify";
import type { Logger } from "pino";
import type { ExposedMetrics } from "../create-metrics.ts";
import { addMissAnswers } from "./allowed-methods.ts";
import { answerClientError, type OpenAnswers, trackAnswers } from "./client-error.ts";
import { addCors } from "./cors.ts";
import { addStallCuts } from "./cut-stalled-answers.ts";
import { addDocsRoutes, collectRouteSchemas } from "./docs-routes.ts";
import { addErrorAnswers, answerError } from "./error-answers.ts";
import { addFrontPage } from "./front-page.ts";
import { observeRequests } from "./observe-requests.ts";
import { openModeRefusal } from "./open-mode.ts";
import { addOperationsRoutes } from "./operations-routes.ts";
import { sendProblem } from "./problem.ts";
import { addBodyReader } from "./request-body.ts";
import { createStop, type StopServer } from "./stop-server.ts";

/** Adds the routes of one dialect. Root hooks have answered for open mode, misses and bad bodies. */
export type RoutePlugin = (app: FastifyInstance) => void | Promise<void>;

export type HttpServerOptions = {
  readonly limits: Limits;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly openMode: { readonly corsOrigins: readonly string[] };
  readonly metrics: ExposedMetrics;
  /** Aborted when the server begins to stop; the services get its signal. */
  readonly draining: AbortController;
  /** Why requests should go elsewhere, beside a stop; empty where they need not. */
  readonly notReadyReasons: () => readonly string[];
  readonly routes: readonly RoutePlugin[];
};

export type HttpServer = StopServer & {
  /** The URL that it listens on. Rejects with the system's error, such as EADDRINUSE. */
  readonly listen: (at: { readonly host: string; readonly port: number }) => Promise<string>;
};

/** Bytes of a request's line and headers; a cursor of the greatest length fits. */
const HEADER_BYTES_MAX = 16 * 1024;

/** Milliseconds that a connection may stay open with nothing asked. */
const KEEP_ALIVE_MS = 30_000;

/** Slow senders are looked for this often, so cut at most this much too late. */
const checkingInterval = (limits: Limits): number =>
  Math.max(50, Math.min(1_000, Math.floor(Math.min(limits.headersMs, limits.requestMs) / 4)));

const createApp = (options: HttpServerOptions, answers: OpenAnswers): FastifyInstance => {
  const { limits, runtime } = options;
  // Fastify's own lines are for its own failures: requests are logged by `observeRequests`.
  const level = options.logger.isLevelEnabled("warn") ? "warn" : options.logger.level;
  const logger: FastifyBaseLogger = options.logger.child({}, { level });
  const process = toHex(runtime.randomBytes(4));
  let requests = 0;
  return fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => {
      requests += 1;
      return `${process}-${requests}`;
    },
    requestIdHeader: false,
    exposeHeadRoutes: false,
    forceCloseConnections: "idle",
    // During a stop a request that still comes in is served, and its connection closed.
    return503OnClosing: false,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    http: {
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      connectionsCheckingInterval: checkingInterval(limits),
      maxHeaderSize: HEADER_BYTES_MAX,
      // Open mode answers for a missing Host, with a problem document.
      requireHostHeader: false,
    },
    routerOptions: {
      ignoreTrailingSlash: true,
      caseSensitive: true,
      // Routes judge their own parameters: the bound on headers bounds these.
      maxParamLength: HEADER_BYTES_MAX,
    },
    clientErrorHandler: (error, socket) => answerClientError(error, socket, answers),
    frameworkErrors: (error, request, reply) => void answerError(error, request, reply as never),
  });
};

/** Whether and how much of a body a client shall send on, where it asked before sending (RFC 9110, section 10.1.1). */
const addExpectations = (server: Server, limits: Limits): void => {
  server.on("checkContinue", (request, response) => {
    const isTooLarge = Number(request.headers["content-length"] ?? 0) > limits.bodyBytesMax;
    if (!isTooLarge) response.writeContinue();
    server.emit("request", request, response);
  });
  server.on("checkExpectation", (request, response) => server.emit("request", request, response));
};

const addGates = (app: FastifyInstance, options: HttpServerOptions): void => {
  app.addHook("onRequest", (request, reply, done) => {
    const refusal = openModeRefusal(request.raw);
    if (refusal === null) done();
    else sendProblem(reply, refusal.code, refusal.detail);
  });
  addCors(app, options.openMode.corsOrigins);
  addMissAnswers(app);
};

const listen = async (
  app: FastifyInstance,
  at: { readonly host: string; readonly port: number },
): Promise<string> => {
  await app.listen({ host: at.host, port: at.port });
  const { address, family, port } = app.server.address() as AddressInfo;
  return `http://${family === "IPv6" ? `[${address}]` : address}:${port}`;
};

/**
 * The HTTP shell around the dialects: bodies as parsed JSON within limits, problem details for every
 * error, timeouts, open mode, docs, health and metrics. Spec: LIMIT-2, LIMIT-3, LIMIT-7 to LIMIT-9,
 * OPEN-4 to OPEN-6, LIVE-15.
 */
export const createHttpServer = async (options: HttpServerOptions): Promise<HttpServer> => {
  const answers: OpenAnswers = new WeakMap();
  const app = createApp(options, answers);
  trackAnswers(app.server, answers);
  addExpectations(app.server, options.limits);
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  observeRequests(app, options);
  addErrorAnswers(app);
  addStallCuts(app, options.limits);
  addGates(app, options);
  addBodyReader(app, options.limits);
  await collectRouteSchemas(app);
  addFrontPage(app);
  addOperationsRoutes(app, {
    metrics: options.metrics,
    notReadyReasons: () => [
      ...(options.draining.signal.aborted ? ["the server is stopping"] : []),
      ...options.notReadyReasons(),
    ],
  });
  for (const routes of options.routes) await app.register(async (scope) => routes(scope));
  await addDocsRoutes(app);
  await app.ready();
  return { listen: (at) => listen(app, at), ...createStop(app, options) };
};
