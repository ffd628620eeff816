import {
  type Checked,
  createChecker,
  createPullQueryDocumentSchema,
  createReadPullQuery,
  createSyncRequestDocumentSchema,
  createSyncRequestSchema,
  encodeSyncAnswer,
  problemSchema,
  pullAnswerSchema,
  type PullQuery,
  type ReadPullQuery,
  syncAnswerSchema,
} from "@synchro/protocol";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ParsedBody } from "../../http/parsed-body.ts";
import { sendProblem } from "../../http/problem.ts";
import { refusePush } from "../../http/refuse-push.ts";
import type { PullInput } from "../../service/pull.ts";
import type { Services } from "../../service/services.ts";
import {
  answerEvents,
  answerJson,
  answerNdjson,
  type ChangesForm,
  changesForm,
} from "./answer-changes.ts";
import { keptRoutes } from "./kept-routes.ts";
import {
  readCollections,
  readSyncRequest,
  type RequestRefusal,
  type SyncReadingDeps,
} from "./read-sync-request.ts";
import { enterSpace } from "./space-of.ts";

const refuse = (reply: FastifyReply, refusal: RequestRefusal): FastifyReply =>
  sendProblem(reply, refusal.code, refusal.detail, refusal.errors);

const answerSync = async (
  services: Services,
  deps: SyncReadingDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> => {
  const reading = readSyncRequest(deps, request.body as ParsedBody);
  if (reading.kind === "refused") return refuse(reply, reading);
  const { request: wish, collections } = reading;
  const action = (wish.changes ?? []).length > 0 ? "write" : "read";
  const entered = await enterSpace(services, request, reply, action);
  if (entered === null) return reply;
  const answer = await services.sync({
    pull: {
      space: entered.space,
      cursor: wish.cursor ?? null,
      ack: wish.ack ?? null,
      collections,
      tombstones: wish.tombstones ?? false,
      limit: wish.limit ?? null,
    },
    clientId: wish.client_id ?? null,
    changes: reading.changes(entered.admission.subject),
    pulls: wish.pull ?? true,
  });
  if (answer.kind !== "answered") return refusePush(reply, answer);
  services.metrics.countRecordsSent(answer.records.length);
  return reply
    .header("content-type", "application/json; charset=utf-8")
    .header("cache-control", "no-store")
    .send(encodeSyncAnswer({ ...answer, now: answer.push?.now ?? services.runtime.now() }));
};

/** What a stream that was cut has really delivered; empty: nothing with an id. */
const lastEventIdOf = (request: FastifyRequest): string | null => {
  const lastEventId = request.headers["last-event-id"];
  return typeof lastEventId === "string" && lastEventId !== "" ? lastEventId : null;
};

/** A query as it is read, with the form of the answer. `Last-Event-ID` beats `?cursor=`, and is held to the same length. */
const readWish = (
  readQuery: ReadPullQuery,
  request: FastifyRequest,
): Checked<PullQuery & { readonly form: ChangesForm }> => {
  const form = changesForm(request);
  const given = request.query as { readonly [name: string]: unknown };
  const lastEventId = form === "sse" ? lastEventIdOf(request) : null;
  const query = readQuery(lastEventId === null ? given : { ...given, cursor: lastEventId });
  return query.kind === "bad" ? query : { kind: "ok", message: { ...query.message, form } };
};

const answerChanges = async (
  services: Services,
  readQuery: ReadPullQuery,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> => {
  const query = readWish(readQuery, request);
  if (query.kind === "bad") {
    const detail = query.errors[0]?.message ?? "the query is malformed";
    return sendProblem(reply, "bad_request", detail, query.errors);
  }
  const { cursor = null, ack = null, limit = null, tombstones = false, wait = 0 } = query.message;
  const collections = readCollections(services.registry, query.message.collections);
  if (collections.kind === "refused") return refuse(reply, collections);
  const entered = await enterSpace(services, request, reply, "read");
  if (entered === null) return reply;
  const { form } = query.message;
  const from: PullInput = {
    space: entered.space,
    cursor,
    ack,
    collections: collections.set,
    tombstones,
    limit,
  };
  const admitted = { request, admission: entered.admission, from };
  if (form === "sse") return answerEvents(services, reply, admitted);
  if (form === "ndjson") return answerNdjson(services, reply, admitted);
  return answerJson(services, reply, admitted, wait);
};

/** `/v2`: the protocol over JSON, long poll, NDJSON and server-sent events. */
export const v2Routes =
  (services: Services) =>
  (app: FastifyInstance): void => {
    const { limits, registry } = services;
    const { sha256 } = services.runtime;
    const check = createChecker(createSyncRequestSchema(limits));
    const readQuery = createReadPullQuery(limits);
    const errors = { "4XX": problemSchema, "5XX": problemSchema };
    const params = {
      type: "object",
      properties: { space: { type: "string", description: "The space, such as a shop's id." } },
    };
    app.post(
      "/v2/spaces/:space/sync",
      {
        schema: {
          tags: ["v2"],
          summary: "Send changes, get what the client lacks",
          params,
          body: createSyncRequestDocumentSchema(limits),
          response: { 200: syncAnswerSchema, ...errors },
        },
      },
      (request, reply) => answerSync(services, { check, registry, limits, sha256 }, request, reply),
    );
    app.get(
      "/v2/spaces/:space/changes",
      {
        schema: {
          tags: ["v2"],
          summary: "Get what the client lacks: JSON, long poll, NDJSON or server-sent events",
          description:
            "`Accept: text/event-stream` follows the space; `Accept: application/x-ndjson` brings all pages in one answer; anything else is one page of JSON.",
          params,
          querystring: createPullQueryDocumentSchema(limits),
          response: { 200: pullAnswerSchema, ...errors },
        },
      },
      (request, reply) => answerChanges(services, readQuery, request, reply),
    );
    keptRoutes(services, app);
  };
