import type { CollectionName, SpaceId } from "@synchro/core";
import {
  encodeEvidenceList,
  encodeHistoryList,
  encodeRejectionList,
  evidenceListSchema,
  type FieldError,
  historyListSchema,
  problemSchema,
  rejectionListSchema,
} from "@synchro/protocol";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { sendProblem } from "../../http/problem.ts";
import { singleQuery } from "../../http/single-query.ts";
import type { Services } from "../../service/services.ts";
import { enterSpace } from "./space-of.ts";

type Query = { readonly [name: string]: string };

/** What is wrong with a query. */
class BadParameter extends Error {
  readonly field: FieldError;
  constructor(field: FieldError) {
    super(field.message);
    this.field = field;
  }
}

const badParameter = (name: string, rule: string): BadParameter =>
  new BadParameter({ path: `/${name}`, message: `${name} ${rule}` });

const readInteger = (query: Query, name: string, max: number): number | null => {
  const text = readText(query, name);
  if (text === null) return null;
  if (/^[1-9]\d{0,15}$/.test(text) && Number(text) <= max) return Number(text);
  throw badParameter(name, `must be an integer from 1 to ${max}`);
};

const readCollection = (services: Services, query: Query): CollectionName => {
  const collection = readText(query, "collection");
  if (collection === null) throw badParameter("collection", "is required");
  const name = services.registry.get(collection)?.name;
  if (name === undefined) throw badParameter("collection", "is not declared here");
  return name;
};

const readKey = (query: Query): string => {
  const key = readText(query, "key");
  if (key === null) throw badParameter("key", "is required");
  return key;
};

/** An empty parameter counts as absent. */
const readText = (query: Query, name: string): string | null => query[name] || null;

type Answer = (space: SpaceId, query: Query) => Promise<string>;

const answerKept = async (
  services: Services,
  request: FastifyRequest,
  reply: FastifyReply,
  answer: Answer,
): Promise<FastifyReply> => {
  const query = singleQuery(request);
  try {
    if (query.kind === "repeated") throw new BadParameter(query.error);
    const entered = await enterSpace(services, request, reply, "read");
    if (entered === null) return reply;
    const body = await answer(entered.space, query.values);
    return reply
      .header("content-type", "application/json; charset=utf-8")
      .header("cache-control", "no-store")
      .send(body);
  } catch (error) {
    if (!(error instanceof BadParameter)) throw error;
    return sendProblem(reply, "bad_request", error.message, [error.field]);
  }
};

const DEFAULT_COUNT = 100;
const COUNT_MAX = 1_000;

const countOf = (query: Query): number => readInteger(query, "limit", COUNT_MAX) ?? DEFAULT_COUNT;

const text = (description: string) => ({ type: "string", description });

const limitParameter = {
  type: "integer",
  minimum: 1,
  maximum: COUNT_MAX,
  default: DEFAULT_COUNT,
  description: "Entries at most.",
};

const schemaOf = (summary: string, query: object, answer: object) => ({
  tags: ["v2"],
  summary,
  params: { type: "object", properties: { space: text("The space.") } },
  querystring: { type: "object", properties: { ...query, limit: limitParameter } },
  response: { 200: answer, "4XX": problemSchema },
});

/** What did not stay: versions that lost or were replaced unseen, changes that were refused, and history where declared. Spec: EVID-*. */
export const keptRoutes = (services: Services, app: FastifyInstance): void => {
  const { store } = services;
  const collection = text("A declared collection; required.");
  app.get(
    "/v2/spaces/:space/evidence",
    {
      schema: schemaOf(
        "Versions that lost, or were replaced by a change that did not know them",
        { collection, key: text("One record; absent: of the whole collection.") },
        evidenceListSchema,
      ),
    },
    (request, reply) =>
      answerKept(services, request, reply, async (space, query) =>
        encodeEvidenceList(
          await store.listEvidence(space, {
            collection: readCollection(services, query),
            key: readText(query, "key"),
            limit: countOf(query),
          }),
        ),
      ),
  );
  app.get(
    "/v2/spaces/:space/rejections",
    {
      schema: schemaOf(
        "Changes that were refused for good, with the reason",
        { client_id: text("One client; absent: of all.") },
        rejectionListSchema,
      ),
    },
    (request, reply) =>
      answerKept(services, request, reply, async (space, query) =>
        encodeRejectionList(
          await store.listRejections(space, {
            clientId: readText(query, "client_id"),
            limit: countOf(query),
          }),
        ),
      ),
  );
  app.get(
    "/v2/spaces/:space/history",
    {
      schema: schemaOf(
        "Versions of one record, where its collection declares history",
        {
          collection,
          key: text("The record; required."),
          before_seq: { type: "integer", minimum: 1, description: "Only versions below this seq." },
        },
        historyListSchema,
      ),
    },
    (request, reply) =>
      answerKept(services, request, reply, async (space, query) =>
        encodeHistoryList(
          await store.listHistory(space, {
            collection: readCollection(services, query),
            key: readKey(query),
            beforeSeq: readInteger(query, "before_seq", Number.MAX_SAFE_INTEGER),
            limit: countOf(query),
          }),
        ),
      ),
  );
};
