import { formatStamp, parseStamp, type SpaceId } from "@synchro/core";
import {
  createChecker,
  deviceListSchema,
  revocationSchema,
  type WireDeviceList,
} from "@synchro/protocol";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { includesLevel, EVERY_SPACE, levelIn } from "../../access/grants.ts";
import type { Device } from "../../control/control-store.ts";
import { isDeviceId } from "../../control/draw-device-id.ts";
import { sendProblem } from "../../http/problem.ts";
import type { Principal } from "../../service/authorize.ts";
import type { AdminDeps } from "./admin-deps.ts";
import { actorOf, admitOperator, enterSpace, identifyCaller } from "./admit-administrator.ts";
import { readBody } from "./read-request.ts";
import { sendJson } from "./send-json.ts";
import { adminTags, problemAnswers } from "./route-parts.ts";

/** What is shown of a device in one space: nothing of the others that it holds. */
const shownIn = (space: SpaceId, device: Device): WireDeviceList["devices"] => {
  const level = levelIn(device.grants, space);
  if (level === null) return [];
  const { id, name, createdAt, renewedAt, revokedAt } = device;
  return [
    {
      id,
      name,
      level,
      created_at: formatStamp(createdAt),
      renewed_at: formatStamp(renewedAt),
      revoked_at: revokedAt === null ? null : formatStamp(revokedAt),
    },
  ];
};

const answerList = async (
  deps: AdminDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> => {
  const entered = await enterSpace(deps, request, reply);
  if (entered === null) return reply;
  const { space } = entered;
  const devices = await deps.control.listDevices(space);
  return sendJson(reply, 200, { devices: devices.flatMap((device) => shownIn(space, device)) });
};

/** How a caller stands to a device. */
const standingOf = ({ grants }: Principal, device: Device): "administers" | "sees" | "nothing" => {
  const levels = Array.from(device.grants.keys(), (space) =>
    space === EVERY_SPACE ? (grants.get(space) ?? null) : levelIn(grants, space),
  );
  if (levels.every((level) => level !== null && includesLevel(level, "admin"))) {
    return "administers";
  }
  return levels.some((level) => level !== null) ? "sees" : "nothing";
};

const answerRevocation = async (
  deps: AdminDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> => {
  const principal = await identifyCaller(deps, request, reply);
  if (principal === null) return reply;
  const { device: id } = request.params as { readonly device: string };
  const device = isDeviceId(id) ? await deps.control.findDevice(id) : null;
  const standing = device === null ? "nothing" : standingOf(principal, device);
  if (device === null || standing === "nothing") {
    return sendProblem(reply, "not_found", "there is no such device");
  }
  if (standing === "sees") {
    return sendProblem(
      reply,
      "forbidden",
      "to revoke a device takes admin in every space that it holds",
    );
  }
  await deps.control.revokeDevice(device.id, actorOf(deps, principal.subject));
  return reply.code(204).send();
};

const checkRevocation = createChecker(revocationSchema);

const answerTokenRevocation = async (
  deps: AdminDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> => {
  const by = await admitOperator(deps, request, reply);
  if (by === null) return reply;
  const wish = readBody(checkRevocation, deps.limits, request, reply);
  if (wish === null) return reply;
  const expiresAt = parseStamp(wish.expires_at);
  if (expiresAt === null) throw new Error("the schema let a bad stamp through");
  await deps.control.revokeToken({ tokenId: wish.token_id, expiresAt }, by);
  return reply.code(204).send();
};

const done = { 204: { type: "null", description: "It is revoked." }, ...problemAnswers };

/** Devices and tokens: listed and taken back by who administers what they hold. Spec: DEVICE-7, DEVICE-9, DEVICE-11, DEVICE-12. */
export const deviceRoutes = (deps: AdminDeps, app: FastifyInstance): void => {
  app.get(
    "/v2/spaces/:space/devices",
    {
      schema: {
        tags: adminTags,
        summary: "The devices that hold a space, the newest first",
        params: {
          type: "object",
          properties: { space: { type: "string", description: "The space." } },
        },
        response: { 200: deviceListSchema, ...problemAnswers },
      },
    },
    (request, reply) => answerList(deps, request, reply),
  );
  app.delete(
    "/v2/devices/:device",
    {
      schema: {
        tags: adminTags,
        summary: "Shut a device out",
        params: {
          type: "object",
          properties: { device: { type: "string", description: "The device." } },
        },
        response: done,
      },
    },
    (request, reply) => answerRevocation(deps, request, reply),
  );
  app.post(
    "/v2/revocations",
    {
      schema: {
        tags: adminTags,
        summary: "Take one token back before its time",
        body: revocationSchema,
        response: done,
      },
    },
    (request, reply) => answerTokenRevocation(deps, request, reply),
  );
};
