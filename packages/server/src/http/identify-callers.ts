import { LIVE_PATH } from "@synchro/protocol";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { EVERY_SPACE } from "../access/grants.ts";
import type { Identify } from "../service/authorize.ts";
import { credentialsOf, refuseIdentity } from "./credentials.ts";
import { sendProblem } from "./problem.ts";

/** Routes that need no token, by method and pattern: they tell nothing of any space. */
const publicRoutes: ReadonlySet<string> = new Set(
  ["/", "/healthz", "/readyz", "/openapi.json"].flatMap((path) => [`GET ${path}`, `HEAD ${path}`]),
);

/** What is no WebSocket is told so; who connects with one says in its first frame who it is. */
const isLiveDoor = (method: string, route: string): boolean =>
  method === "GET" && route === LIVE_PATH;

/** Where a device shows its code or its secret instead of a token. */
const isDeviceDoor = (method: string, route: string): boolean =>
  method === "POST" && /^\/v2\/devices(?:\/|$)/.test(route);

const isDocumentation = (method: string, route: string): boolean =>
  (method === "GET" || method === "HEAD") && /^\/docs(?:\/|$)/.test(route);

/** Whether a route answers anybody. What is not named here needs a token: a new route too. */
export const isPublicRoute = (method: string, route: string): boolean =>
  publicRoutes.has(`${method} ${route}`) ||
  isDeviceDoor(method, route) ||
  isLiveDoor(method, route) ||
  isDocumentation(method, route);

/** Routes that tell of all spaces together. */
const needsEverySpace = (route: string): boolean => route === "/metrics";

const routeOf = (request: FastifyRequest): string => request.routeOptions.url ?? "";

/**
 * Lets nobody past whom no token vouches for, before a byte of a body is taken; counts each
 * request against its caller's rate. What a caller may do in a space is asked later, where the
 * space is known. Spec: TOKEN-*.
 */
export const addIdentification = (app: FastifyInstance, identify: Identify): void => {
  app.addHook("onRequest", async (request, reply) => {
    const route = routeOf(request);
    if (isPublicRoute(request.method, route)) return;
    const identity = await identify(credentialsOf(request), { counts: true });
    if (identity.kind !== "known") return refuseIdentity(request, reply, identity);
    const isEnough = !needsEverySpace(route) || identity.principal.grants.has(EVERY_SPACE);
    if (isEnough) return;
    return sendProblem(reply, "forbidden", "this needs a token that holds every space (*)");
  });
};
