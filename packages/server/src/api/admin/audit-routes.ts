import { formatStamp, isSpaceId, type SpaceId } from "@synchro/core";
import { auditListSchema, problemSchema } from "@synchro/protocol";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { AdminDeps } from "./admin-deps.ts";
import { admitOperator, admitToSpace } from "./admit-administrator.ts";
import { readQuery } from "./read-request.ts";
import { sendJson } from "./send-json.ts";

const PAGE_DEFAULT = 100;
const PAGE_MAX = 1_000;

const answerLog = async (
  deps: AdminDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> => {
  const query = readQuery(
    {
      space: { kind: "text", isValid: isSpaceId, rule: "the id of a space" },
      before: { kind: "whole", max: Number.MAX_SAFE_INTEGER },
      limit: { kind: "whole", max: PAGE_MAX },
    },
    request,
    reply,
  );
  if (query === null) return reply;
  const space = query.space as SpaceId | null;
  const by = await (space === null
    ? admitOperator(deps, request, reply)
    : admitToSpace(deps, request, reply, space));
  if (by === null) return reply;
  const { before } = query;
  const entries = await deps.control.listAudit({
    space,
    before,
    limit: query.limit ?? PAGE_DEFAULT,
  });
  return sendJson(reply, 200, {
    entries: entries.map((entry) => ({ ...entry, at: formatStamp(entry.at) })),
  });
};

/** The log of who did what. Spec: AUDIT-4. */
export const auditRoutes = (deps: AdminDeps, app: FastifyInstance): void => {
  app.get(
    "/v2/audit",
    {
      schema: {
        tags: ["admin"],
        summary: "Who did what, the newest first",
        querystring: {
          type: "object",
          properties: {
            space: {
              type: "string",
              description: "What concerns this space alone; absent: all, which takes admin of `*`.",
            },
            before: {
              type: "integer",
              minimum: 1,
              description: "Only entries with a number below.",
            },
            limit: {
              type: "integer",
              minimum: 1,
              maximum: PAGE_MAX,
              default: PAGE_DEFAULT,
              description: "Entries at most.",
            },
          },
        },
        response: { 200: auditListSchema, "4XX": problemSchema, "5XX": problemSchema },
      },
    },
    (request, reply) => answerLog(deps, request, reply),
  );
};
