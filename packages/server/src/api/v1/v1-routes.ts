import type { CollectionName, SpaceId } from "@synchro/core";
import {
  createV1SyncRequestSchema,
  problemSchema,
  v1AnswerSchema,
  v1QuerySchema,
} from "@synchro/protocol";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type Admission, admit } from "../../http/admit.ts";
import { refuseIdentity } from "../../http/credentials.ts";
import type { ParsedBody } from "../../http/parsed-body.ts";
import { sendProblem } from "../../http/problem.ts";
import { refusePush } from "../../http/refuse-push.ts";
import { inStreamSlot } from "../../http/in-stream-slot.ts";
import { withReconnectHint } from "../../http/reconnect-hint.ts";
import { closedSignal, streamReply } from "../../http/stream-reply.ts";
import { createAdmissionCheck } from "../../service/admission-check.ts";
import type { Action } from "../../service/authorize.ts";
import type { PullInput } from "../../service/pull.ts";
import type { Services } from "../../service/services.ts";
import { subscribe } from "../../service/subscribe.ts";
import type { ReadingsInput } from "../../service/sync-readings.ts";
import { countReadings, encodeStreamFrame } from "./encode-stream-frame.ts";
import { readShop } from "./read-shop.ts";
import { readV1SyncRequest, type SentReading, type V1SyncReading } from "./read-sync-request.ts";
import { writeReadings } from "./write-readings.ts";

type Admitted = { readonly space: SpaceId; readonly admission: Admission };

const admitToShop = async (
  services: Services,
  request: FastifyRequest,
  reply: FastifyReply,
  action: Action,
): Promise<Admitted | null> => {
  const shop = await readShop(services.identify, request);
  if (shop.kind === "unknown") {
    refuseIdentity(request, reply, shop.identity);
    return null;
  }
  if (shop.kind !== "ok") {
    const code = shop.kind === "bad" ? "bad_request" : "shop_required";
    sendProblem(reply, code, shop.error.message, [shop.error]);
    return null;
  }
  const { space } = shop;
  const admission = await admit(services.authorize, request, reply, { space, action });
  return admission === null ? null : { space, admission };
};

const answerReadings = async (
  services: Services,
  reply: FastifyReply,
  admission: Admission,
  input: ReadingsInput,
  sent: readonly SentReading[],
): Promise<void> => {
  const check = createAdmissionCheck(services, admission.mayStillRead);
  const answer = await services.syncReadings(input);
  if (answer.kind !== "open") {
    refusePush(reply, answer);
    return;
  }
  const pieces = writeReadings(answer.chunks, sent, services.metrics.countRecordsSent);
  await streamReply(reply, pieces, {
    contentType: "application/json; charset=utf-8",
    runtime: services.runtime,
    stallMs: services.limits.streamStallMs,
    totalMs: services.limits.v1AnswerMs,
    mayGoOn: check.holds,
  });
};

const faultsDetail = ({ errors, count }: Extract<V1SyncReading, { kind: "bad" }>): string => {
  const first = errors[0]?.message ?? "the request is malformed";
  if (count === 1) return `${first}: nothing was applied`;
  const told = count > errors.length ? `, of which errors names the first ${errors.length}` : "";
  return `${first}, and ${count - 1} more fault${count === 2 ? "" : "s"}${told}: nothing was applied`;
};

const answerSync = async (
  services: Services,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> => {
  const { json, violations } = request.body as ParsedBody;
  const reading = readV1SyncRequest(json, violations, services.limits);
  if (reading.kind === "too_many") {
    const detail = `newly_created_records holds ${reading.count} records, at most ${services.limits.changesMax} are taken: send them in parts`;
    return sendProblem(reply, "too_many_changes", detail);
  }
  if (reading.kind === "bad") {
    return sendProblem(reply, "bad_request", faultsDetail(reading), reading.errors);
  }
  const { sent, lastSyncDate, cursor } = reading.request;
  const action = sent.length > 0 ? "write" : "read";
  const admitted = await admitToShop(services, request, reply, action);
  if (admitted === null) return reply;
  const { subject } = admitted.admission;
  const author = subject === null ? null : { name: subject, verified: true };
  const changes = sent.map(({ change }) => ({ ...change, author }));
  const input = { space: admitted.space, sent: changes, lastSyncDate, cursor };
  await answerReadings(services, reply, admitted.admission, input, sent);
  return reply;
};

const answerList = async (
  services: Services,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> => {
  const admitted = await admitToShop(services, request, reply, "read");
  if (admitted === null) return reply;
  const input = { space: admitted.space, sent: [], lastSyncDate: null, cursor: null };
  await answerReadings(services, reply, admitted.admission, input, []);
  return reply;
};

const streamStart = (services: Services, request: FastifyRequest, space: SpaceId): PullInput => {
  const lastEventId = request.headers["last-event-id"];
  return {
    space,
    cursor: typeof lastEventId === "string" && lastEventId !== "" ? lastEventId : null,
    ack: null,
    collections: ["readings" as CollectionName],
    tombstones: false,
    limit: null,
    bytesMax: services.limits.streamPageBytesMax,
  };
};

const answerStream = async (
  services: Services,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> => {
  const admitted = await admitToShop(services, request, reply, "read");
  if (admitted === null) return reply;
  return inStreamSlot(services.streamSlots, reply, "v1_sse", async () => {
    const frames = subscribe(services, {
      from: streamStart(services, request, admitted.space),
      encode: encodeStreamFrame,
      dialect: "v1",
      mayStillRead: admitted.admission.mayStillRead,
      signal: closedSignal(reply, services.draining),
    });
    await streamReply(reply, withReconnectHint(services, bodiesOf(services, frames)), {
      contentType: "text/event-stream; charset=utf-8",
      runtime: services.runtime,
      stallMs: services.limits.streamStallMs,
    });
    return reply;
  });
};

async function* bodiesOf(
  services: Services,
  frames: ReturnType<typeof subscribe>,
): AsyncGenerator<Buffer> {
  for await (const { answer, body } of frames) {
    services.metrics.countRecordsSent(countReadings(answer));
    yield body;
  }
}

/** `/v1`: the origin's interface, to the letter, with additions that break no old client. Spec: V1-*. */
export const v1Routes =
  (services: Services) =>
  (app: FastifyInstance): void => {
    const common = { tags: ["v1"], querystring: v1QuerySchema };
    const errors = { "4XX": problemSchema, "5XX": problemSchema };
    app.post(
      "/v1/sync/",
      {
        schema: {
          ...common,
          summary: "Send edited readings, get those that the client lacks",
          body: createV1SyncRequestSchema(services.limits),
          response: { 200: v1AnswerSchema, ...errors },
        },
      },
      (request, reply) => answerSync(services, request, reply),
    );
    app.get(
      "/v1/readings/",
      {
        schema: {
          ...common,
          summary: "All readings of a shop",
          response: { 200: v1AnswerSchema, ...errors },
        },
      },
      (request, reply) => answerList(services, request, reply),
    );
    app.get(
      "/v1/readings/stream",
      {
        schema: {
          ...common,
          summary: "All readings of a shop, then each change as it comes (server-sent events)",
          produces: ["text/event-stream"],
          response: { 200: { type: "string", description: "Events" }, ...errors },
        },
      },
      (request, reply) => answerStream(services, request, reply),
    );
  };
