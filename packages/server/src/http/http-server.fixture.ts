import { connect } from "node:net";
import { Writable } from "node:stream";
import type { Runtime } from "@synchro/core";
import { defaultLimits, type Limits } from "@synchro/protocol";
import { pino } from "pino";
import { createMetrics } from "../create-metrics.ts";
import type { Readiness } from "../create-readiness.ts";
import { systemRuntime } from "../system-runtime.ts";
import {
  type AccessMode,
  createHttpServer,
  type HttpServer,
  type RoutePlugin,
} from "./create-http-server.ts";
import type { ParsedBody } from "./parsed-body.ts";
import { sendProblem } from "./problem.ts";
import { singleQuery } from "./single-query.ts";
import type { TlsPair } from "./tls-files.ts";

/** A route that answers with what it got, and others that fail in every way. */
const fakeRoutes: RoutePlugin = (app) => {
  app.post("/echo", (request, reply) => {
    const { json, violations } = request.body as ParsedBody;
    return reply
      .header("content-type", "application/json")
      .send(JSON.stringify({ json, violations }));
  });
  app.get("/spaces/:space", { exposeHeadRoute: true }, (request, reply) => {
    const query = singleQuery(request);
    if (query.kind === "repeated") {
      return sendProblem(reply, "bad_request", query.error.message, [query.error]);
    }
    return { params: request.params, query: query.values };
  });
  app.get("/throws", () => {
    throw new Error("the secret of the house");
  });
  app.get("/throws-late", (_, reply) => {
    reply.hijack();
    reply.raw.writeHead(200, { "content-type": "application/json" });
    reply.raw.write('{"half":');
    reply.raw.destroy(new Error("the other half"));
  });
};

export type TestServer = {
  readonly url: string;
  readonly port: number;
  readonly server: HttpServer;
  readonly draining: AbortController;
  /** The lines of the log so far. */
  readonly log: () => readonly { readonly [field: string]: unknown }[];
  /** Sends bytes on a connection of its own and gives what came back when the server has closed it. */
  readonly raw: (...pieces: readonly (string | Buffer)[]) => Promise<string>;
  /** The same, and says that no more will come. */
  readonly rawEnded: (...pieces: readonly (string | Buffer)[]) => Promise<string>;
};

type TestOptions = {
  readonly runtime?: Runtime;
  readonly limits?: Partial<Limits>;
  readonly access?: AccessMode;
  readonly corsOrigins?: readonly string[];
  readonly tls?: TlsPair;
  readonly routes?: readonly RoutePlugin[];
  readonly drainDelayMs?: number;
  readonly readiness?: Readiness;
};

const exchange = (
  port: number,
  pieces: readonly (string | Buffer)[],
  ends: boolean,
): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let text = "";
    socket.setEncoding("latin1").on("data", (chunk: string) => (text += chunk));
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "ECONNRESET" && error.code !== "EPIPE") reject(error);
    });
    socket.on("close", () => resolve(text));
    for (const piece of pieces) socket.write(piece);
    if (ends) socket.end();
  });

/** A server on a free port, with fake routes; the caller stops it. */
export const startTestServer = async (options: TestOptions = {}): Promise<TestServer> => {
  const lines: string[] = [];
  const sink = new Writable({
    write: (chunk: Buffer, _, done) => {
      lines.push(...chunk.toString().trimEnd().split("\n"));
      done();
    },
  });
  const draining = new AbortController();
  const server = await createHttpServer({
    upgrades: { accepts: () => false, take: () => {}, cut: () => {} },
    limits: { ...defaultLimits, ...options.limits },
    runtime: options.runtime ?? systemRuntime,
    logger: pino({ level: "debug" }, sink),
    access: options.access ?? { kind: "open" },
    corsOrigins: options.corsOrigins ?? [],
    tls: options.tls ?? null,
    metrics: createMetrics({ process: false }),
    draining,
    drainDelayMs: options.drainDelayMs ?? 0,
    readiness: options.readiness ?? (async () => []),
    routes: options.routes ?? [fakeRoutes],
  });
  const url = await server.listen({ host: "127.0.0.1", port: 0 });
  const port = Number(new URL(url).port);
  return {
    url,
    port,
    server,
    draining,
    log: () => lines.map((line) => JSON.parse(line) as { readonly [field: string]: unknown }),
    raw: (...pieces) => exchange(port, pieces, false),
    rawEnded: (...pieces) => exchange(port, pieces, true),
  };
};
