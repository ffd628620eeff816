import type { FastifyReply } from "fastify";
import type { StreamSlots } from "../live/stream-slots.ts";
import type { StreamKind } from "../metrics.ts";
import { sendProblem } from "./problem.ts";

/** Runs a stream or a long poll in a place of its own, and answers 503 where none is left. Spec: LIVE-13. */
export const inStreamSlot = async (
  slots: StreamSlots,
  reply: FastifyReply,
  kind: StreamKind,
  run: () => Promise<FastifyReply>,
): Promise<FastifyReply> => {
  const leave = slots.take(kind);
  if (leave === null) {
    reply.header("retry-after", String(slots.retryAfterSeconds()));
    return sendProblem(reply, "unavailable", "as many streams are open as this server takes on");
  }
  try {
    return await run();
  } finally {
    leave();
  }
};
