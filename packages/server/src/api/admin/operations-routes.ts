import { addMicros, formatStamp, isJsonObject, liveRecords } from "@synchro/core";
import { type Checker } from "@synchro/protocol";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { sendProblem } from "../../http/problem.ts";
import type { AdminDeps } from "./admin-deps.ts";
import { enterSpace } from "./admit-administrator.ts";
import { readBody } from "./read-request.ts";
import { sendJson } from "./send-json.ts";
import { adminTags, noSuchSpace, problemAnswers, spaceParams } from "./route-parts.ts";

type PurgeWish = { readonly older_than_s: number };

/** A hundred years: more is a mistake of the unit. */
const OLDER_THAN_S_MAX = 100 * 366 * 86_400;

const checkPurge: Checker<PurgeWish> = (value) => {
  const seconds = isJsonObject(value) ? value["older_than_s"] : undefined;
  return typeof seconds === "number" &&
    Number.isInteger(seconds) &&
    seconds >= 1 &&
    seconds <= OLDER_THAN_S_MAX
    ? { kind: "ok", message: { older_than_s: seconds } }
    : {
        kind: "bad",
        errors: [
          {
            path: "/older_than_s",
            message: `older_than_s must be a whole number of seconds from 1 to ${OLDER_THAN_S_MAX}`,
          },
        ],
      };
};

const answerPurge = async (
  deps: AdminDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> => {
  const entered = await enterSpace(deps, request, reply);
  if (entered === null) return reply;
  const wish = readBody(checkPurge, deps.limits, request, reply);
  if (wish === null) return reply;
  const { space, by } = entered;
  if ((await deps.store.describeSpace(space)) === null) return noSuchSpace(reply);
  const cutoff = addMicros(by.now, -wish.older_than_s * 1_000_000);
  const { kind, purged, floor } = await deps.store.purge(space, cutoff);
  if (purged > 0) {
    const detail = { cutoff: formatStamp(cutoff), purged, floor };
    const { actor, now } = by;
    await deps.control.audit({
      at: now,
      actor,
      action: "space.purge",
      target: space,
      space,
      detail,
    });
  }
  if (kind === "full") {
    return sendProblem(
      reply,
      "storage_full",
      `there is no room for the log of a purge; ${purged} tombstones are gone: make room, and ask again`,
    );
  }
  return sendJson(reply, 200, { purged, floor, cutoff: formatStamp(cutoff) });
};

const answerEpoch = async (
  deps: AdminDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> => {
  const entered = await enterSpace(deps, request, reply);
  if (entered === null) return reply;
  const { space, by } = entered;
  const outcome = await deps.store.beginEpoch(space);
  if (outcome.kind === "full") {
    return sendProblem(reply, "storage_full", "there is no room on the disk: nothing was changed");
  }
  const state = await deps.store.describeSpace(space);
  if (outcome.spaces === 0 || state === null) return noSuchSpace(reply);
  const epoch = state.epochs.at(-1)?.epoch ?? outcome.epoch;
  const { actor, now } = by;
  await deps.control.audit({
    at: now,
    actor,
    action: "epoch.begin",
    target: epoch,
    space,
    detail: {},
  });
  return sendJson(reply, 201, { epoch, from_seq: state.epochs.at(-1)?.fromSeq ?? state.head });
};

const answerStatus = async (
  deps: AdminDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> => {
  const entered = await enterSpace(deps, request, reply);
  if (entered === null) return reply;
  const state = await deps.store.describeSpace(entered.space);
  if (state === null) return sendJson(reply, 200, { records: 0, head: 0, floor: 0, epoch: null });
  return sendJson(reply, 200, {
    records: liveRecords(state),
    head: state.head,
    floor: state.floor,
    cutoff: state.cutoff === null ? null : formatStamp(state.cutoff),
    epoch: state.epochs.at(-1)?.epoch ?? null,
    epochs: state.epochs.length,
  });
};

const seq = { type: "integer", minimum: 0 };
const text = (description: string): object => ({ type: "string", description });

const purgeBody = {
  type: "object",
  required: ["older_than_s"],
  properties: {
    older_than_s: {
      type: "integer",
      minimum: 1,
      maximum: OLDER_THAN_S_MAX,
      description: "Age in seconds from which on tombstones go.",
    },
  },
};

/** What is done to a space's data while the server runs, by who administers it. Spec: PURGE-*, EPOCH-5. */
export const operationsRoutes = (deps: AdminDeps, app: FastifyInstance): void => {
  app.post(
    "/v2/spaces/:space/purge",
    {
      schema: {
        tags: adminTags,
        summary: "Remove old tombstones for good",
        params: spaceParams,
        body: purgeBody,
        response: {
          200: {
            description: "What went.",
            type: "object",
            properties: { purged: seq, floor: seq, cutoff: text("What was older than this went.") },
          },
          ...problemAnswers,
        },
      },
    },
    (request, reply) => answerPurge(deps, request, reply),
  );
  app.post(
    "/v2/spaces/:space/epochs",
    {
      schema: {
        tags: adminTags,
        summary: "Begin an epoch: for data that came from a copy",
        params: spaceParams,
        response: {
          201: {
            description: "The epoch that began.",
            type: "object",
            properties: { epoch: text("Its name."), from_seq: seq },
          },
          ...problemAnswers,
        },
      },
    },
    (request, reply) => answerEpoch(deps, request, reply),
  );
  app.get(
    "/v2/spaces/:space/status",
    {
      schema: {
        tags: adminTags,
        summary: "What a space is, besides its records",
        params: spaceParams,
        response: {
          200: {
            description: "At this moment.",
            type: "object",
            properties: {
              records: seq,
              head: seq,
              floor: seq,
              cutoff: { type: ["string", "null"] },
              epoch: { type: ["string", "null"] },
              epochs: seq,
            },
          },
          ...problemAnswers,
        },
      },
    },
    (request, reply) => answerStatus(deps, request, reply),
  );
};
