import type { Limits } from "@synchro/protocol";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { isJsonMediaType } from "./media-type.ts";
import { type BodyParse, type BodyRefusal, type ParsedBody, parseBody } from "./parsed-body.ts";
import { sendProblem } from "./problem.ts";
import { ACCEPTED_ENCODINGS, type BodyRead, discardBody, readBody } from "./read-body.ts";

/** How much of a refused body is taken before its client is cut off, in bodies of the greatest size allowed. */
const DISCARDED_BODIES_MAX = 4;

const refused = (code: BodyRefusal["code"], detail: string): BodyRefusal => ({
  kind: "refused",
  code,
  detail,
});

const refusalOf = (read: Exclude<BodyRead, { kind: "read" }>, limits: Limits): BodyRefusal => {
  switch (read.kind) {
    case "too_large": {
      const detail = `the body has more than ${limits.bodyBytesMax} bytes after decompression`;
      return refused("body_too_large", detail);
    }
    case "unsupported_encoding":
      return refused(
        "unsupported_encoding",
        `Content-Encoding must be one of ${ACCEPTED_ENCODINGS}`,
      );
    case "bad_encoding":
      return refused("unsupported_encoding", "the body is not compressed as Content-Encoding says");
    case "cut":
      return refused("bad_json", "the connection was closed before the end of the body");
  }
};

const readRequest = async (request: FastifyRequest, limits: Limits): Promise<BodyParse> => {
  const type = request.headers["content-type"];
  if (type === undefined || !isJsonMediaType(type)) {
    return refused("unsupported_media_type", "Content-Type must be application/json (in UTF-8)");
  }
  const read = await readBody(request.raw, limits.bodyBytesMax);
  return read.kind === "read" ? parseBody(read.bytes, limits) : refusalOf(read, limits);
};

/**
 * Makes `request.body` a {@link ParsedBody} on every route that takes a body, and answers for what
 * can't be read as one: routes never see it. A request without a body has `undefined`, and is
 * refused where the route's method is POST.
 */
export const addBodyReader = (app: FastifyInstance, limits: Limits): void => {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", async (request: FastifyRequest): Promise<BodyParse> => {
    const parse = await readRequest(request, limits);
    // The answer follows when the client has stopped sending, or has sent enough: not while it sends.
    if (parse.kind === "refused") {
      await discardBody(request.raw, DISCARDED_BODIES_MAX * limits.bodyBytesMax);
    }
    return parse;
  });
  app.addHook("preValidation", (request, reply, done) => {
    const parse = request.body as BodyParse | undefined;
    if (parse === undefined) {
      if (request.method !== "POST") return done();
      return void sendProblem(reply, "bad_json", "the body is empty: send a JSON object");
    }
    if (parse.kind === "parsed") {
      request.body = parse.body satisfies ParsedBody;
      return done();
    }
    // What was not taken of a body would be read as the next request.
    if (!request.raw.complete) reply.header("connection", "close");
    if (parse.code === "unsupported_encoding") reply.header("accept-encoding", ACCEPTED_ENCODINGS);
    return void sendProblem(reply, parse.code, parse.detail);
  });
};
