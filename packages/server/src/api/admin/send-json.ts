import type { FastifyReply } from "fastify";

/** Answers with an object that is the caller's alone: no cache keeps it. */
export const sendJson = (reply: FastifyReply, status: number, body: object): FastifyReply =>
  reply
    .code(status)
    .header("content-type", "application/json; charset=utf-8")
    .header("cache-control", "no-store")
    .send(body);
