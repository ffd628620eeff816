import { encodeEvent, encodePullAnswer, encodeStreamEvent } from "@synchro/protocol";
import type { FastifyReply, FastifyRequest } from "fastify";
import { inStreamSlot } from "../../http/in-stream-slot.ts";
import { withReconnectHint } from "../../http/reconnect-hint.ts";
import { closedSignal, streamReply } from "../../http/stream-reply.ts";
import type { PullAnswer, PullInput } from "../../service/pull.ts";
import type { Services } from "../../service/services.ts";
import { subscribe } from "../../service/subscribe.ts";
import { waitForChange } from "../../service/wait-for-change.ts";
import { ndjsonPages } from "./ndjson-pages.ts";
import { enterSpace, type InSpace } from "./space-of.ts";

export type ChangesForm = "json" | "sse" | "ndjson";

/** The form that `Accept` asks for: JSON unless one of the others is named. */
export const changesForm = (request: FastifyRequest): ChangesForm => {
  const accept = (request.headers.accept ?? "").toLowerCase();
  if (accept.includes("text/event-stream")) return "sse";
  return accept.includes("application/x-ndjson") ? "ndjson" : "json";
};

const sendPage = (services: Services, reply: FastifyReply, answer: PullAnswer): FastifyReply => {
  services.metrics.countRecordsSent(answer.records.length);
  return reply
    .header("content-type", "application/json; charset=utf-8")
    .header("cache-control", "no-store")
    .send(encodePullAnswer(answer, services.runtime.now()));
};

/** What a caller asked for who was let in. */
export type Wish = {
  readonly request: FastifyRequest;
  readonly admission: InSpace["admission"];
  readonly from: PullInput;
};

/** One page, or with `waitSeconds` the first that has something. */
export const answerJson = async (
  services: Services,
  reply: FastifyReply,
  { request, admission, from }: Wish,
  waitSeconds: number,
): Promise<FastifyReply> => {
  if (waitSeconds === 0) return sendPage(services, reply, await services.pull(from));
  return inStreamSlot(services.streamSlots, reply, "long_poll", async () => {
    const signal = closedSignal(reply, services.draining);
    const waitMs = Math.min(waitSeconds, services.limits.waitSecondsMax) * 1000;
    const { mayStillRead } = admission;
    const answer = await waitForChange(services, { from, waitMs, mayStillRead, signal });
    if (answer !== null) return sendPage(services, reply, answer);
    // Who may no longer read is told what a new request would be.
    const entered = await enterSpace(services, request, reply, "read");
    return entered === null ? reply : sendPage(services, reply, await services.pull(from));
  });
};

/** Pages as lines, until nothing is left. */
export const answerNdjson = (
  services: Services,
  reply: FastifyReply,
  { from, admission }: Wish,
): Promise<FastifyReply> =>
  inStreamSlot(services.streamSlots, reply, "ndjson", async () => {
    const signal = closedSignal(reply, services.draining);
    const input = { ...from, bytesMax: services.limits.streamPageBytesMax };
    const { mayStillRead } = admission;
    const deps = { ...services, pull: services.catchUp };
    await streamReply(reply, ndjsonPages(deps, input, { mayStillRead, signal }), {
      contentType: "application/x-ndjson; charset=utf-8",
      runtime: services.runtime,
      stallMs: services.limits.streamStallMs,
    });
    return reply;
  });

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
export const answerEvents = (
  services: Services,
  reply: FastifyReply,
  { from, admission }: Wish,
): Promise<FastifyReply> =>
  inStreamSlot(services.streamSlots, reply, "sse", async () => {
    const frames = subscribe(services, {
      from: { ...from, bytesMax: services.limits.streamPageBytesMax },
      encode: encodeFrame,
      dialect: "v2",
      mayStillRead: admission.mayStillRead,
      signal: closedSignal(reply, services.draining),
    });
    await streamReply(reply, withReconnectHint(services, framesOf(services, frames)), {
      contentType: "text/event-stream; charset=utf-8",
      runtime: services.runtime,
      stallMs: services.limits.streamStallMs,
    });
    return reply;
  });
