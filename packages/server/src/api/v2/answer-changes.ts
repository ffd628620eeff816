import { encodeEvent, encodePullAnswer, encodeStreamEvent } from "@synchro/protocol";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Admission } from "../../http/admit.ts";
import { closedSignal, streamReply } from "../../http/stream-reply.ts";
import type { PullAnswer, PullInput } from "../../service/pull.ts";
import type { Services } from "../../service/services.ts";
import { subscribe } from "../../service/subscribe.ts";
import { waitForChange } from "../../service/wait-for-change.ts";
import { ndjsonPages } from "./ndjson-pages.ts";

export type ChangesForm = "json" | "sse" | "ndjson";

/** The form that `Accept` asks for: JSON unless one of the others is named. */
export const changesForm = (request: FastifyRequest): ChangesForm => {
  const accept = request.headers.accept ?? "";
  if (accept.includes("text/event-stream")) return "sse";
  return accept.includes("application/x-ndjson") ? "ndjson" : "json";
};

/** One page, or with `waitSeconds` the first that has something. */
export const answerJson = async (
  services: Services,
  reply: FastifyReply,
  from: PullInput,
  waitSeconds: number,
): Promise<FastifyReply> => {
  let answer: PullAnswer;
  if (waitSeconds === 0) {
    answer = await services.pull(from);
  } else {
    const close = services.metrics.openStream("long_poll");
    const signal = closedSignal(reply, services.draining);
    const waitMs = Math.min(waitSeconds, services.limits.waitSecondsMax) * 1000;
    answer = await waitForChange(services, from, waitMs, signal).finally(close);
  }
  services.metrics.countRecordsSent(answer.records.length);
  return reply
    .header("content-type", "application/json; charset=utf-8")
    .header("cache-control", "no-store")
    .send(encodePullAnswer(answer, services.runtime.now()));
};

/** Pages as lines, until nothing is left. */
export const answerNdjson = async (
  services: Services,
  reply: FastifyReply,
  from: PullInput,
): Promise<FastifyReply> => {
  const close = services.metrics.openStream("ndjson");
  const signal = closedSignal(reply, services.draining);
  const input = { ...from, bytesMax: services.limits.streamPageBytesMax };
  await streamReply(reply, ndjsonPages(services, input, signal), {
    contentType: "application/x-ndjson; charset=utf-8",
    runtime: services.runtime,
    stallMs: services.limits.streamStallMs,
  }).finally(close);
  return reply;
};

const encodeFrame = (answer: PullAnswer): Buffer => {
  const id = answer.cursor === null ? {} : { id: answer.cursor };
  return Buffer.from(encodeEvent({ ...id, name: "changes", data: encodeStreamEvent(answer) }));
};

async function* framesOf(
  services: Services,
  frames: ReturnType<typeof subscribe>,
): AsyncGenerator<Buffer> {
  for await (const { answer, body } of frames) {
    services.metrics.countRecordsSent(answer.records.length);
    yield body;
  }
}

/** Pages as events, then each change as it is committed. */
export const answerEvents = async (
  services: Services,
  reply: FastifyReply,
  from: PullInput,
  admission: Admission,
): Promise<FastifyReply> => {
  const frames = subscribe(services, {
    from: { ...from, bytesMax: services.limits.streamPageBytesMax },
    encode: encodeFrame,
    dialect: "v2",
    mayStillRead: admission.mayStillRead,
    signal: closedSignal(reply, services.draining),
  });
  const close = services.metrics.openStream("sse");
  await streamReply(reply, framesOf(services, frames), {
    contentType: "text/event-stream; charset=utf-8",
    runtime: services.runtime,
    stallMs: services.limits.streamStallMs,
  }).finally(close);
  return reply;
};
