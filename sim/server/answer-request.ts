import { isSpaceId, type SpaceId } from "@synchro/core";
import {
  encodeEvent,
  encodePullAnswer,
  encodeStreamEvent,
  encodeSyncAnswer,
  type ProblemCode,
  problemOf,
  problems,
} from "@synchro/protocol";
import { ndjsonPages } from "../../packages/server/src/api/v2/ndjson-pages.ts";
import {
  readCollections,
  readSyncRequest,
} from "../../packages/server/src/api/v2/read-sync-request.ts";
import { parseBody } from "../../packages/server/src/http/parsed-body.ts";
import type { PullAnswer, PullInput } from "../../packages/server/src/service/pull.ts";
import type { Services } from "../../packages/server/src/service/services.ts";
import { subscribe } from "../../packages/server/src/service/subscribe.ts";
import { waitForChange } from "../../packages/server/src/service/wait-for-change.ts";
import type { Answer, Request, ServerPort } from "../network.ts";
import type { ServerObserver } from "./paced-store.ts";
import { checkSyncRequest, readPullQuery } from "./settings.ts";

export type AnswerDeps = {
  readonly services: Services;
  readonly observer: ServerObserver;
  readonly nowMs: () => number;
};

const problem = (code: ProblemCode, detail: string): Answer => ({
  status: problems[code].status,
  body: JSON.stringify(problemOf(code, detail)),
});

/** The part of `api/v2/v2-routes.ts` between the HTTP server and the services, over JSON text. */
const answerSync = async (deps: AnswerDeps, space: SpaceId, body: string): Promise<Answer> => {
  const { services } = deps;
  const bytes = Buffer.from(body);
  // As `http/read-body.ts` has it, which reads from a socket.
  if (bytes.length > services.limits.bodyBytesMax) return problem("body_too_large", "too large");
  const parse = parseBody(bytes, services.limits);
  if (parse.kind === "refused") return problem(parse.code, parse.detail);
  const { registry, limits, runtime } = services;
  const reader = { check: checkSyncRequest, registry, limits, sha256: runtime.sha256 };
  const reading = readSyncRequest(reader, parse.body);
  if (reading.kind === "refused") return problem(reading.code, reading.detail);
  const wish = reading.request;
  const answer = await services.sync({
    pull: {
      space,
      cursor: wish.cursor ?? null,
      ack: wish.ack ?? null,
      collections: reading.collections,
      tombstones: wish.tombstones ?? false,
      limit: wish.limit ?? null,
    },
    clientId: wish.client_id ?? null,
    changes: reading.changes(null),
    pulls: wish.pull ?? true,
  });
  if (answer.kind === "full") return problem("storage_full", "the disk is full");
  const now = answer.push?.now ?? services.runtime.now();
  return { status: 200, body: encodeSyncAnswer({ ...answer, now }) };
};

type PullReading = { readonly kind: "ok"; readonly from: PullInput; readonly waitMs: number };

const readPull = (
  { services }: AnswerDeps,
  space: SpaceId,
  query: { readonly [name: string]: string },
): PullReading | { readonly kind: "refused"; readonly answer: Answer } => {
  const read = readPullQuery(query);
  if (read.kind === "bad") {
    return { kind: "refused", answer: problem("bad_request", "the query is malformed") };
  }
  const { cursor = null, ack = null, limit = null, tombstones = false, wait = 0 } = read.message;
  const collections = readCollections(services.registry, read.message.collections);
  if (collections.kind === "refused") {
    return { kind: "refused", answer: problem(collections.code, collections.detail) };
  }
  const from = { space, cursor, ack, collections: collections.set, tombstones, limit };
  return { kind: "ok", from, waitMs: Math.min(wait, services.limits.waitSecondsMax) * 1000 };
};

const answerPull = async (
  { services, observer, nowMs }: AnswerDeps,
  { from, waitMs }: PullReading,
  gone: AbortSignal,
): Promise<Answer> => {
  const readySinceMs = nowMs();
  let answer: PullAnswer;
  if (waitMs === 0) answer = await services.pull(from);
  else {
    const signal = AbortSignal.any([gone, services.draining]);
    answer = await waitForChange(services, from, waitMs, signal);
    // A reset is not news of a commit: it brings what is old.
    if (answer.reset === null) observer.sent(from.space, answer.records, readySinceMs);
  }
  return { status: 200, body: encodePullAnswer(answer, services.runtime.now()) };
};

const sendEvents = async (
  { services, observer, nowMs }: AnswerDeps,
  from: PullInput,
  send: (text: string) => Promise<boolean>,
  signal: AbortSignal,
): Promise<void> => {
  const frames = subscribe(services, {
    from: { ...from, bytesMax: services.limits.streamPageBytesMax },
    encode: (answer) => {
      const id = answer.cursor === null ? {} : { id: answer.cursor };
      return Buffer.from(encodeEvent({ ...id, name: "changes", data: encodeStreamEvent(answer) }));
    },
    dialect: "v2",
    mayStillRead: () => Promise.resolve(true),
    signal,
  });
  let readySinceMs = nowMs();
  for await (const { answer, body } of frames) {
    if (answer.reset === null) observer.sent(from.space, answer.records, readySinceMs);
    if (!(await send(body.toString()))) return;
    readySinceMs = nowMs();
  }
};

const sendLines = async (
  { services }: AnswerDeps,
  from: PullInput,
  send: (text: string) => Promise<boolean>,
  signal: AbortSignal,
): Promise<void> => {
  const input = { ...from, bytesMax: services.limits.streamPageBytesMax };
  for await (const text of ndjsonPages(services, input, signal)) {
    if (!(await send(text))) return;
  }
};

const spaceOf = (request: Request): SpaceId => {
  if (!isSpaceId(request.space)) throw new Error("no space's id");
  return request.space;
};

/** The ways into a server, without HTTP: real readers, real services, real encoders. */
export const createAnswers = (deps: AnswerDeps): Pick<ServerPort, "answer" | "stream"> => ({
  answer: async (request, gone) => {
    if (request.kind === "sync") return answerSync(deps, spaceOf(request), request.body);
    const reading = readPull(deps, spaceOf(request), request.query);
    return reading.kind === "refused" ? reading.answer : answerPull(deps, reading, gone);
  },
  stream: async (request, send, gone) => {
    if (request.kind === "sync") throw new Error("a push is no stream");
    const reading = readPull(deps, spaceOf(request), request.query);
    if (reading.kind === "refused") return;
    const signal = AbortSignal.any([gone, deps.services.draining]);
    if (request.form === "sse") await sendEvents(deps, reading.from, send, signal);
    else await sendLines(deps, reading.from, send, signal);
  },
});
