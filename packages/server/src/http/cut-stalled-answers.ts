import type { Limits } from "@synchro/protocol";
import type { FastifyInstance } from "fastify";

/**
 * Cuts a client that takes nothing of its answer for `streamStallMs`: an answer of some megabytes
 * would stay in memory for as long as it liked. One that takes a little now and then is let be. It
 * is the socket's own timeout that tells them apart, and that the next request resets; answers that
 * are streamed have theirs in `streamReply`. Spec: LIVE-12.
 */
export const addStallCuts = (app: FastifyInstance, limits: Limits): void => {
  app.addHook("onSend", (_, reply, payload, done) => {
    reply.raw.setTimeout(limits.streamStallMs);
    done(null, payload);
  });
};
