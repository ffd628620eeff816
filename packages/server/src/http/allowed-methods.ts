import type { FastifyInstance, FastifyRequest, HTTPMethods } from "fastify";
import { sendProblem } from "./problem.ts";

const methods: readonly HTTPMethods[] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/** The methods that a request's path answers to, for `Allow`; none if the path does not exist. */
export const allowedMethods = (
  app: FastifyInstance,
  request: FastifyRequest,
): readonly string[] => {
  const [path = "/"] = request.url.split("?", 1);
  const found = methods.filter((method) => app.findRoute({ method, url: path }) !== null);
  return found.length === 0 ? [] : [...found, "OPTIONS"];
};

/**
 * Answers what no route takes, before a body is read: 404 for a path that does not exist, 405 with
 * `Allow` for a method that it lacks, 204 with `Allow` for OPTIONS (RFC 9110, sections 9.3.7 and
 * 15.5.6).
 */
export const addMissAnswers = (app: FastifyInstance): void => {
  app.addHook("onRequest", (request, reply, done) => {
    if (!request.is404) return done();
    const allowed = allowedMethods(app, request);
    if (allowed.length === 0) return void sendProblem(reply, "not_found", "no route has this path");
    reply.header("allow", allowed.join(", "));
    if (request.method === "OPTIONS") return void reply.code(204).send();
    const detail = `this path answers to ${allowed.join(", ")}`;
    return void sendProblem(reply, "method_not_allowed", detail);
  });
  // For a route that finds, in its own time, that it has nothing to give (a missing file of the docs).
  app.setNotFoundHandler((_, reply) => sendProblem(reply, "not_found", "no route has this path"));
};
