import type { FastifyInstance, FastifyReply } from "fastify";
import type { ExposedMetrics } from "../create-metrics.ts";
import type { Readiness } from "../create-readiness.ts";

const tags = ["operations"];

const text = { type: "string" };

const statusSchema = (status: "ok" | "ready" | "not_ready"): object => ({
  description: status,
  type: "object",
  required: ["status"],
  properties: {
    status: { const: status },
    ...(status === "not_ready" ? { reasons: { type: "array", items: text } } : {}),
  },
});

const sendJson = (reply: FastifyReply, status: number, body: object): FastifyReply =>
  reply
    .code(status)
    .header("content-type", "application/json")
    .header("cache-control", "no-store")
    .send(JSON.stringify(body));

/**
 * What a supervisor asks: `/healthz` answers 200 for as long as the process turns, `/readyz` 200
 * where requests will be served and else 503 with the reasons, `/metrics` in the text format of
 * Prometheus.
 */
export const addOperationsRoutes = (
  app: FastifyInstance,
  deps: {
    readonly metrics: ExposedMetrics;
    readonly readiness: Readiness;
  },
): void => {
  const health = {
    schema: { tags, summary: "Is the process alive?", response: { 200: statusSchema("ok") } },
    exposeHeadRoute: true,
  };
  app.get("/healthz", health, (_, reply) => sendJson(reply, 200, { status: "ok" }));
  const readiness = {
    schema: {
      tags,
      summary: "Should requests be sent here?",
      response: { 200: statusSchema("ready"), 503: statusSchema("not_ready") },
    },
    exposeHeadRoute: true,
  };
  app.get("/readyz", readiness, async (_, reply) => {
    const reasons = await deps.readiness();
    return reasons.length === 0
      ? sendJson(reply, 200, { status: "ready" })
      : sendJson(reply, 503, { status: "not_ready", reasons });
  });
  const metrics = {
    schema: {
      tags,
      summary: "Metrics for Prometheus",
      response: {
        200: { description: "Text format 0.0.4", content: { "text/plain": { schema: text } } },
      },
    },
    exposeHeadRoute: true,
  };
  app.get("/metrics", metrics, async (_, reply) => {
    const { contentType, text: lines } = await deps.metrics.expose();
    return reply
      .header("content-type", contentType)
      .header("cache-control", "no-store")
      .send(lines);
  });
};
