import type { IncomingMessage } from "node:http";
import { Server as TlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { type Runtime, toHex } from "@synchro/core";
import type { Limits } from "@synchro/protocol";
import { fastify, type FastifyBaseLogger, type FastifyInstance, LogController } from "fastify";
import type { Logger } from "pino";
import type { ExposedMetrics } from "../create-metrics.ts";
import type { Readiness } from "../create-readiness.ts";
import type { Identify } from "../service/authorize.ts";
import { addMissAnswers } from "./allowed-methods.ts";
import { answerClientError, type OpenAnswers, trackAnswers } from "./client-error.ts";
import { addCors } from "./cors.ts";
import { addStallCuts } from "./cut-stalled-answers.ts";
import { addDocsRoutes, collectRouteSchemas } from "./docs-routes.ts";
import { addErrorAnswers, answerError } from "./error-answers.ts";
import { addFrontPage } from "./front-page.ts";
import { addIdentification } from "./identify-callers.ts";
import { observeRequests } from "./observe-requests.ts";
import { openModeRefusal } from "./open-mode.ts";
import { addOperationsRoutes } from "./operations-routes.ts";
import { sendProblem } from "./problem.ts";
import { addBodyReader } from "./request-body.ts";
import { createStop, type StopServer } from "./stop-server.ts";
import { TLS_VERSION_MIN, type TlsPair } from "./tls-files.ts";
import type { Upgrades } from "./upgrades.ts";
import { watchConnections } from "./watch-connections.ts";

/** Adds the routes of one dialect. Root hooks have answered for open mode, unknown callers, misses and bad bodies. */
export type RoutePlugin = (app: FastifyInstance) => void | Promise<void>;

/** Who is served: programs of this machine, whoever they are, or whoever a token vouches for. */
export type AccessMode =
  | { readonly kind: "open" }
  | { readonly kind: "tokens"; readonly identify: Identify };

export type RouteName = { readonly method: string; readonly pattern: string };

export type HttpServerOptions = {
  readonly limits: Limits;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly access: AccessMode;
  /** Origins of web pages that may read answers. */
  readonly corsOrigins: readonly string[];
  /** Null: plain HTTP. */
  readonly tls: TlsPair | null;
  readonly metrics: ExposedMetrics;
  /** Aborted when the server begins to stop; the services get its signal. */
  readonly draining: AbortController;
  /** Milliseconds for which a stop goes on serving once `/readyz` says no. */
  readonly drainDelayMs: number;
  /** Why requests should go elsewhere, beside a stop. */
  readonly readiness: Readiness;
  readonly routes: readonly RoutePlugin[];
  readonly upgrades: Upgrades;
};

export type HttpServer = StopServer & {
  /** The URL that it listens on. Rejects with the system's error, such as EADDRINUSE. */
  readonly listen: (at: { readonly host: string; readonly port: number }) => Promise<string>;
  /** Every route, by method and pattern. */
  readonly routes: readonly RouteName[];
  /** From now on new connections get this certificate; those that are open stay. */
  readonly renewTls: (pair: TlsPair) => void;
};

/** Bytes of a request's line and headers; a cursor of the greatest length fits. */
const HEADER_BYTES_MAX = 16 * 1024;

/** Milliseconds that a connection may stay open with nothing asked. */
const KEEP_ALIVE_MS = 30_000;

/** Slow senders are looked for this often, so cut at most this much too late. */
const checkingInterval = (limits: Limits): number =>
  Math.max(50, Math.min(1_000, Math.floor(Math.min(limits.headersMs, limits.requestMs) / 4)));

/** Of a server over TLS, beside those of any other. */
const tlsOptions = (tls: TlsPair, limits: Limits): object => ({
  ...tls,
  minVersion: TLS_VERSION_MIN,
  // Who connects and says nothing is cut off as one whose headers don't come.
  handshakeTimeout: limits.headersMs,
});

/** Whether a request may leave HTTP: what stands against any other request stands against it too. */
const mayUpgrade = (request: IncomingMessage, { access, upgrades }: HttpServerOptions): boolean => {
  const isServed =
    access.kind === "open"
      ? openModeRefusal(request) === null
      : request.headers.host !== undefined || request.httpVersion === "1.0";
  return isServed && upgrades.accepts(request);
};

const createApp = (options: HttpServerOptions, answers: OpenAnswers): FastifyInstance => {
  const { limits, runtime, tls } = options;
  // Fastify's own lines are for its own failures: requests are logged by `observeRequests`.
  const level = options.logger.isLevelEnabled("warn") ? "warn" : options.logger.level;
  const logger: FastifyBaseLogger = options.logger.child({}, { level });
  const process = toHex(runtime.randomBytes(4));
  let requests = 0;
  const server = {
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    connectionsCheckingInterval: checkingInterval(limits),
    maxHeaderSize: HEADER_BYTES_MAX,
    // The gates answer for a missing Host, with a problem document.
    requireHostHeader: false,
    // Other upgrades that are asked for are let be: such a request is answered as it stands.
    shouldUpgradeCallback: (request: IncomingMessage) => mayUpgrade(request, options),
  };
  return fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => {
      requests += 1;
      return `${process}-${requests}`;
    },
    requestIdHeader: false,
    // A logger for each request costs more than most of them; what is logged of one names its id.
    childLoggerFactory: (parent) => parent,
    exposeHeadRoutes: false,
    forceCloseConnections: "idle",
    // During a stop a request that still comes in is served, and its connection closed.
    return503OnClosing: false,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    http: server,
    ...(tls === null ? {} : { https: { ...server, ...tlsOptions(tls, limits) } }),
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

/** The routes that are added from now on, in a list that grows with them. */
const collectRoutes = (app: FastifyInstance): readonly RouteName[] => {
  const routes: RouteName[] = [];
  app.addHook("onRoute", ({ method, url }) => {
    for (const each of [method].flat()) routes.push({ method: each, pattern: url });
  });
  return routes;
};

/**
 * Whether and how much of a body a client shall send on, where it asked before sending (RFC 9110,
 * section 10.1.1): only once nothing stands against its request that can be known by then.
 */
const addExpectations = (app: FastifyInstance, limits: Limits): void => {
  const { server } = app;
  const asking = new WeakSet<object>();
  server.on("checkContinue", (request, response) => {
    asking.add(request);
    server.emit("request", request, response);
  });
  server.on("checkExpectation", (request, response) => server.emit("request", request, response));
  app.addHook("onRequest", (request, reply, done) => {
    const isTooLarge = Number(request.headers["content-length"] ?? 0) > limits.bodyBytesMax;
    if (asking.has(request.raw) && !isTooLarge) reply.raw.writeContinue();
    done();
  });
};

/** RFC 9112, section 3.2. (Open mode asks for more.) */
const requireHost = (app: FastifyInstance): void => {
  app.addHook("onRequest", (request, reply, done) => {
    if (request.headers.host !== undefined || request.raw.httpVersion === "1.0") return done();
    return void sendProblem(reply, "bad_request", "a request must name its Host");
  });
};

const addGates = (app: FastifyInstance, { access, corsOrigins }: HttpServerOptions): void => {
  if (access.kind === "open") {
    app.addHook("onRequest", (request, reply, done) => {
      const refusal = openModeRefusal(request.raw);
      if (refusal === null) done();
      else sendProblem(reply, refusal.code, refusal.detail);
    });
  }
  if (access.kind === "tokens") requireHost(app);
  // Before callers are identified: a preflight brings no token, and a page may read a refusal.
  addCors(app, corsOrigins);
  addMissAnswers(app);
  if (access.kind === "tokens") addIdentification(app, access.identify);
};

const listen = async (
  app: FastifyInstance,
  at: { readonly host: string; readonly port: number },
): Promise<string> => {
  await app.listen({ host: at.host, port: at.port });
  const { address, family, port } = app.server.address() as AddressInfo;
  const scheme = app.server instanceof TlsServer ? "https" : "http";
  return `${scheme}://${family === "IPv6" ? `[${address}]` : address}:${port}`;
};

/** @throws if the server speaks no TLS. */
const renewTls = (app: FastifyInstance, pair: TlsPair): void => {
  if (!(app.server instanceof TlsServer))
    throw new Error("a server without TLS has no certificate");
  app.server.setSecureContext({ ...pair, minVersion: TLS_VERSION_MIN });
};

/**
 * The HTTP shell around the dialects: bodies as parsed JSON within limits, problem details for every
 * error, timeouts, open mode or tokens, TLS, docs, health and metrics. Spec: LIMIT-2, LIMIT-3,
 * LIMIT-7 to LIMIT-9, OPEN-4 to OPEN-6, TOKEN-*, LIVE-15.
 */
export const createHttpServer = async (options: HttpServerOptions): Promise<HttpServer> => {
  const answers: OpenAnswers = new WeakMap();
  const app = createApp(options, answers);
  const routes = collectRoutes(app);
  trackAnswers(app.server, answers);
  app.server.on("upgrade", options.upgrades.take);
  watchConnections(app.server, options.metrics);
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  observeRequests(app, options);
  addErrorAnswers(app);
  addStallCuts(app, options.limits);
  addGates(app, options);
  addExpectations(app, options.limits);
  addBodyReader(app, options.limits);
  await collectRouteSchemas(app);
  addFrontPage(app);
  const stop = createStop(app, options);
  addOperationsRoutes(app, {
    metrics: options.metrics,
    readiness: async () => (stop.isStopping() ? ["the server is stopping"] : options.readiness()),
  });
  for (const addRoutes of options.routes) await app.register(async (scope) => addRoutes(scope));
  await addDocsRoutes(app);
  await app.ready();
  return {
    routes,
    listen: (at) => listen(app, at),
    renewTls: (pair) => renewTls(app, pair),
    ...stop,
  };
};
