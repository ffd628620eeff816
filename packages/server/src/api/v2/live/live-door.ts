import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { LIVE_PATH, LIVE_SUBPROTOCOL, problemSchema } from "@synchro/protocol";
import type { FastifyInstance, FastifyReply } from "fastify";
import type { Logger } from "pino";
import { type WebSocket, WebSocketServer } from "ws";
import { sendDenial } from "../../../http/problem.ts";
import type { Upgrades } from "../../../http/upgrades.ts";
import type { Denial } from "../../../service/denial.ts";
import type { Services } from "../../../service/services.ts";
import { createBeat } from "./live-beat.ts";
import { LiveConnection } from "./live-connection.ts";
import type { LiveDeps } from "./live-deps.ts";
import { createReadFrame } from "./read-frame.ts";
import { upgradeFault } from "./upgrade-fault.ts";

/** What `/v2/live` is to the HTTP shell. */
export type LiveDoor = {
  readonly upgrades: Upgrades;
  /** The answer to requests that are not let in as WebSockets. */
  readonly routes: (app: FastifyInstance) => void;
};

export type LiveDoorOptions = {
  /** Origins of web pages that may connect, beside the server's own. */
  readonly corsOrigins: readonly string[];
  readonly logger: Pick<Logger, "error" | "warn">;
};

const isLivePath = (url: string): boolean => /^\/v2\/live\/?(?:\?|$)/.test(url);

/** Why a connection finds no place now; null: it does. */
const placeFault = (services: Services, waiting: number): Denial | null => {
  const { streamSlots, limits, draining } = services;
  const no = (detail: string): Denial => ({
    code: "unavailable",
    detail,
    retryAfterS: streamSlots.retryAfterSeconds(),
  });
  if (draining.aborted) return no("the server is stopping");
  if (streamSlots.isFull()) return no("as many streams are open as this server takes on");
  return waiting < limits.liveWaitingMax
    ? null
    : no("as many connections say who they are as this server listens to at a time");
};

/** The connections of a server, looked after until they are closed. */
const createConnections = (deps: LiveDeps) => {
  const { services } = deps;
  const all = new Set<LiveConnection>();
  const waiting = (): number => {
    let count = 0;
    for (const { isWaiting } of all) if (isWaiting) count += 1;
    return count;
  };
  services.draining.addEventListener("abort", () => {
    for (const connection of all) connection.drain();
  });
  return {
    waiting,
    open: (socket: WebSocket, duplex: Socket): void => {
      const connection = new LiveConnection(deps, socket, duplex);
      all.add(connection);
      socket.once("close", () => all.delete(connection));
    },
    cut: (): void => {
      for (const { outlet } of all) outlet.cut();
    },
  };
};

/**
 * Lets WebSockets in at `/v2/live`, each of which then says in its first frame who it is. What is
 * not let in is answered as any other request: with a problem document. Spec: LIVE-16, LIVE-17.
 */
export const createLiveDoor = (services: Services, options: LiveDoorOptions): LiveDoor => {
  const { limits, runtime } = services;
  const origins = new Set(options.corsOrigins);
  const connections = createConnections({
    services,
    logger: options.logger,
    readFrame: createReadFrame(limits),
    addBeat: createBeat(runtime, limits.livePingMs),
  });
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: limits.bodyBytesMax,
    perMessageDeflate: false,
    // Who pings and takes no pong is cut.
    autoPong: true,
    handleProtocols: () => LIVE_SUBPROTOCOL,
  });
  const denialOf = (request: IncomingMessage) =>
    upgradeFault(request, origins) ?? placeFault(services, connections.waiting());
  const answerRefused = (request: IncomingMessage, reply: FastifyReply): FastifyReply => {
    const denial = denialOf(request) ?? placeFault(services, limits.liveWaitingMax);
    if (denial?.code === "upgrade_required") {
      reply.headers({ upgrade: "websocket", connection: "upgrade", "sec-websocket-version": "13" });
    }
    return denial === null ? reply : sendDenial(reply, denial);
  };
  return {
    upgrades: {
      accepts: (request) => isLivePath(request.url ?? "") && denialOf(request) === null,
      take: (request, socket, head) => {
        sockets.handleUpgrade(request, socket, head, (opened) =>
          connections.open(opened, socket as Socket),
        );
      },
      cut: connections.cut,
    },
    routes: (app) => {
      app.get(
        LIVE_PATH,
        {
          schema: {
            tags: ["v2"],
            summary: "Follow and push over a WebSocket",
            description: `WebSocket with the subprotocol \`${LIVE_SUBPROTOCOL}\`. The first frame says who the client is; no token stands in the address or a header.`,
            security: [],
            response: {
              101: { description: "From here on frames are sent.", type: "null" },
              "4XX": problemSchema,
              "5XX": problemSchema,
            },
          },
        },
        (request, reply) => answerRefused(request.raw, reply),
      );
    },
  };
};
