import { formatStamp, isSpaceId, liveRecords, type SpaceId } from "@synchro/core";
import {
  createChecker,
  type SpaceChange,
  spaceChangeSchema,
  spaceCreationSchema,
  spaceEntrySchema,
  spaceListSchema,
  type WireSpaceEntry,
} from "@synchro/protocol";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { EVERY_SPACE, type Grants, type Level, levelIn } from "../../access/grants.ts";
import type { SpaceEntry } from "../../control/control-store.ts";
import { isKnownSpace, readKnownSpaces } from "../../control/known-spaces.ts";
import { sendProblem } from "../../http/problem.ts";
import type { AdminDeps } from "./admin-deps.ts";
import { admitOperator, enterSpace, identifyCaller } from "./admit-administrator.ts";
import { readBody, readQuery } from "./read-request.ts";
import { sendJson } from "./send-json.ts";
import { adminTags, noSuchSpace, problemAnswers, spaceParams } from "./route-parts.ts";

const PAGE_DEFAULT = 100;
const PAGE_MAX = 1_000;

const shown = async (
  deps: AdminDeps,
  id: SpaceId,
  entry: SpaceEntry | undefined,
  level: Level,
): Promise<WireSpaceEntry> => {
  const state = await deps.store.describeSpace(id);
  return {
    id,
    title: entry?.title ?? id,
    level,
    records: state === null ? 0 : liveRecords(state),
    records_max: entry?.recordsMax ?? null,
    created_at: entry === undefined ? null : formatStamp(entry.createdAt),
  };
};

const listedIds = (
  grants: Grants,
  { entries, ids }: Awaited<ReturnType<typeof readKnownSpaces>>,
): readonly SpaceId[] => {
  const named = [...grants.keys()].filter((space): space is SpaceId => space !== EVERY_SPACE);
  const living = named.filter((space) => entries.get(space)?.deletedAt == null);
  return [...new Set([...living, ...(grants.has(EVERY_SPACE) ? ids : [])])].toSorted();
};

const answerList = async (
  deps: AdminDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> => {
  const query = readQuery(
    {
      after: { kind: "text", isValid: isSpaceId, rule: "the id of a space" },
      limit: { kind: "whole", max: PAGE_MAX },
    },
    request,
    reply,
  );
  if (query === null) return reply;
  const principal = await identifyCaller(deps, request, reply);
  if (principal === null) return reply;
  const known = await readKnownSpaces(deps);
  const { after } = query;
  const ids = listedIds(principal.grants, known).filter((id) => after === null || id > after);
  const page = ids.slice(0, query.limit ?? PAGE_DEFAULT);
  const spaces: WireSpaceEntry[] = [];
  for (const id of page) {
    const level = levelIn(principal.grants, id);
    if (level !== null) spaces.push(await shown(deps, id, known.entries.get(id), level));
  }
  return sendJson(reply, 200, { spaces, more: ids.length > page.length });
};

const checkCreation = createChecker(spaceCreationSchema);
const checkChange = createChecker(spaceChangeSchema);

const answerCreation = async (
  deps: AdminDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> => {
  const by = await admitOperator(deps, request, reply);
  if (by === null) return reply;
  const wish = readBody(checkCreation, deps.limits, request, reply);
  if (wish === null) return reply;
  const id = wish.id as SpaceId;
  const { title = id, records_max: recordsMax = null } = wish;
  const outcome = await deps.control.createSpace({ id, title, recordsMax }, by);
  if (outcome.kind === "done") {
    return sendJson(reply, 201, await shown(deps, id, outcome.space, "admin"));
  }
  const isDeleted = outcome.kind === "exists" && outcome.space.deletedAt !== null;
  return sendProblem(
    reply,
    "space_exists",
    isDeleted ? `${id} was deleted, and its records kept` : `${id} exists`,
  );
};

const changeOf = ({ title, records_max: recordsMax }: SpaceChange) => ({
  ...(title === undefined ? {} : { title }),
  ...(recordsMax === undefined ? {} : { recordsMax }),
});

const answerChange = async (
  deps: AdminDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> => {
  const entered = await enterSpace(deps, request, reply);
  if (entered === null) return reply;
  const wish = readBody(checkChange, deps.limits, request, reply);
  if (wish === null) return reply;
  const { space, by } = entered;
  if (!(await isKnownSpace(deps, space))) return noSuchSpace(reply);
  const outcome = await deps.control.changeSpace(space, changeOf(wish), by);
  if (outcome.kind !== "done") return noSuchSpace(reply);
  return sendJson(reply, 200, await shown(deps, space, outcome.space, "admin"));
};

const answerDeletion = async (
  deps: AdminDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> => {
  const entered = await enterSpace(deps, request, reply);
  if (entered === null) return reply;
  const { space, by } = entered;
  if (!(await isKnownSpace(deps, space))) return noSuchSpace(reply);
  await deps.control.deleteSpace(space, by);
  return reply.code(204).send();
};

const listQuery = {
  type: "object",
  properties: {
    after: { type: "string", description: "Only spaces after this id." },
    limit: {
      type: "integer",
      minimum: 1,
      maximum: PAGE_MAX,
      default: PAGE_DEFAULT,
      description: "Spaces at most.",
    },
  },
};

/** Spaces: seen by who holds them, made and changed by who administers them. Spec: SPACE-*. */
export const spaceRoutes = (deps: AdminDeps, app: FastifyInstance): void => {
  app.get(
    "/v2/spaces",
    {
      schema: {
        tags: adminTags,
        summary: "The spaces that the caller may see",
        querystring: listQuery,
        response: { 200: spaceListSchema, ...problemAnswers },
      },
    },
    (request, reply) => answerList(deps, request, reply),
  );
  app.post(
    "/v2/spaces",
    {
      schema: {
        tags: adminTags,
        summary: "Make a space",
        body: spaceCreationSchema,
        response: { 201: spaceEntrySchema, ...problemAnswers },
      },
    },
    (request, reply) => answerCreation(deps, request, reply),
  );
  app.patch(
    "/v2/spaces/:space",
    {
      schema: {
        tags: adminTags,
        summary: "Change a space's title or quota",
        params: spaceParams,
        body: spaceChangeSchema,
        response: { 200: spaceEntrySchema, ...problemAnswers },
      },
    },
    (request, reply) => answerChange(deps, request, reply),
  );
  app.delete(
    "/v2/spaces/:space",
    {
      schema: {
        tags: adminTags,
        summary: "Delete a space: it answers as one that does not exist, and its records stay",
        params: spaceParams,
        response: { 204: { type: "null", description: "It is deleted." }, ...problemAnswers },
      },
    },
    (request, reply) => answerDeletion(deps, request, reply),
  );
};
