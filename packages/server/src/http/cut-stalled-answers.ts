import type { Limits } from "@synchro/protocol";
import type { FastifyInstance } from "fastify";

/** What the system takes off our hands at once, read or not; a timer for each answer costs a poll more than its look. */
const TAKEN_BYTES = 64 * 1024;

/** UTF-16 units of a text count a third of the bytes that it may have. */
const isTakenAtOnce = (payload: unknown): boolean => {
  if (typeof payload === "string") return payload.length * 3 <= TAKEN_BYTES;
  return Buffer.isBuffer(payload) && payload.length <= TAKEN_BYTES;
};

/**
 * Cuts a client that takes nothing of its answer for `streamStallMs`: an answer of some megabytes
 * would stay in memory for as long as it liked. One that takes a little now and then is let be. It
 * is the socket's own timeout that tells them apart, and that the next request resets; answers that
 * are streamed have theirs in `streamReply`. Spec: LIVE-12.
 */
export const addStallCuts = (app: FastifyInstance, limits: Limits): void => {
  app.addHook("onSend", (_, reply, payload, done) => {
    if (!isTakenAtOnce(payload)) reply.raw.setTimeout(limits.streamStallMs);
    done(null, payload);
  });
};
