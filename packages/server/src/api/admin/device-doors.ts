import { formatStamp } from "@synchro/core";
import {
  createChecker,
  DEVICE_SECRET_PATTERN,
  deviceAdmissionSchema,
  type DeviceToken,
  deviceTokenSchema,
  problemSchema,
} from "@synchro/protocol";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Device } from "../../control/control-store.ts";
import { drawDeviceId, isDeviceId } from "../../control/draw-device-id.ts";
import { hashOfSecret, normaliseCode } from "../../control/invitation-code.ts";
import { credentialsOf, refuseUnknown } from "../../http/credentials.ts";
import { sendProblem } from "../../http/problem.ts";
import type { AdminDeps, MintDeviceToken } from "./admin-deps.ts";
import type { GuessGuard } from "./guess-guard.ts";
import { readBody } from "./read-request.ts";
import { refuseOpenMode } from "./refuse-open-mode.ts";
import { sendJson } from "./send-json.ts";

const checkAdmission = createChecker(deviceAdmissionSchema);
const secretForm = new RegExp(DEVICE_SECRET_PATTERN);

const refuseLimited = (reply: FastifyReply, retryAfterS: number): FastifyReply => {
  reply.header("retry-after", String(retryAfterS));
  return sendProblem(reply, "rate_limited", "too many codes or secrets from here were refused");
};

const tokenOf = async (mint: MintDeviceToken, device: Device): Promise<DeviceToken> => {
  const { token, expiresAt } = await mint(device);
  return {
    device: { id: device.id, name: device.name, created_at: formatStamp(device.createdAt) },
    token,
    expires_at: formatStamp(expiresAt),
    spaces: Array.from(device.grants, ([space, level]) => ({ space, level })),
  };
};

const answerAdmission = async (
  deps: AdminDeps,
  guard: GuessGuard,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> => {
  if (deps.mintDeviceToken === null) return refuseOpenMode(reply);
  const shown = readBody(checkAdmission, deps.limits, request, reply);
  if (shown === null) return reply;
  const code = normaliseCode(shown.code);
  if (code === null) {
    // It is nobody's code, so nothing is learned by trying: it was mistyped.
    const message = "code must be 12 letters and digits, as in 7KQ4-M2XD-9RTA";
    return sendProblem(reply, "bad_request", message, [{ path: "/code", message }]);
  }
  const guess = guard.begin(request.ip);
  if (guess.kind === "limited") return refuseLimited(reply, guess.retryAfterS);
  const { control, runtime } = deps;
  const hashes = {
    codeHash: hashOfSecret(runtime, code),
    secretHash: hashOfSecret(runtime, shown.secret),
  };
  const outcome = await control.admit(
    { ...hashes, name: shown.name },
    drawDeviceId(runtime),
    runtime.now(),
  );
  if (outcome.kind === "refused") {
    return sendProblem(reply, "invitation_refused", "the code is unknown, used up or expired");
  }
  guess.admitted();
  return sendJson(reply, 200, await tokenOf(deps.mintDeviceToken, outcome.device));
};

const answerRenewal = async (
  deps: AdminDeps,
  guard: GuessGuard,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> => {
  if (deps.mintDeviceToken === null) return refuseOpenMode(reply);
  const { device: id } = request.params as { readonly device: string };
  const { token: secret } = credentialsOf(request);
  if (secret === null || !secretForm.test(secret) || !isDeviceId(id)) {
    return refuseUnknown(request, reply);
  }
  const guess = guard.begin(request.ip);
  if (guess.kind === "limited") return refuseLimited(reply, guess.retryAfterS);
  const { control, runtime } = deps;
  const device = await control.renew(id, hashOfSecret(runtime, secret), runtime.now());
  if (device === null) return refuseUnknown(request, reply);
  guess.admitted();
  return sendJson(reply, 200, await tokenOf(deps.mintDeviceToken, device));
};

const response = { 200: deviceTokenSchema, "4XX": problemSchema, "5XX": problemSchema };

/** The two doors at which a device shows a code or its secret, and no token. Spec: DEVICE-4 to DEVICE-8. */
export const deviceDoors = (deps: AdminDeps, guard: GuessGuard, app: FastifyInstance): void => {
  app.post(
    "/v2/devices",
    {
      schema: {
        tags: ["devices"],
        summary: "Let a device in by the code of an invitation",
        description:
          "Needs no token. The same code with the same secret again is the same device: an answer that was lost costs nothing.",
        body: deviceAdmissionSchema,
        response,
      },
    },
    (request, reply) => answerAdmission(deps, guard, request, reply),
  );
  app.post(
    "/v2/devices/:device/token",
    {
      schema: {
        tags: ["devices"],
        summary: "Give a device its next token, for its secret",
        description:
          "`Authorization: Bearer SECRET`, and `{}` as the body. It may be asked for as often as the device likes; the secret does not change.",
        params: {
          type: "object",
          properties: { device: { type: "string", description: "The device." } },
        },
        body: { type: "object" },
        response,
      },
    },
    (request, reply) => answerRenewal(deps, guard, request, reply),
  );
};
