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
import { readV1SyncRequest } from "../../packages/server/src/api/v1/read-sync-request.ts";
import { writeReadings } from "../../packages/server/src/api/v1/write-readings.ts";
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
import type { Answer, Caller, Request, ServerPort } from "../network.ts";
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

/** As `api/v2/space-of.ts` has it; null: the caller may. */
const refusalOf = async (
  { services }: AnswerDeps,
  space: SpaceId,
  token: string,
  action: "read" | "write",
): Promise<Answer | null> => {
  const { kind } = await services.authorize({ token }, space, action);
  if (kind === "allowed") return null;
  return kind === "unauthorized"
    ? problem("unauthorized", "the token has expired")
    : problem("forbidden", "the token may not write");
};

const readsStill =
  ({ services }: AnswerDeps, space: SpaceId, token: string) =>
  async (): Promise<boolean> =>
    (await services.authorize({ token }, space, "read")).kind === "allowed";

/** The part of `api/v2/v2-routes.ts` between the HTTP server and the services, over JSON text. */
const answerSync = async (
  deps: AnswerDeps,
  space: SpaceId,
  body: string,
  token: string,
): Promise<Answer> => {
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
  const action = (wish.changes ?? []).length > 0 ? "write" : "read";
  const refusal = await refusalOf(deps, space, token, action);
  if (refusal !== null) return refusal;
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
  if (answer.kind === "over_quota") return problem("quota_exceeded", "the space is full");
  const now = answer.push?.now ?? services.runtime.now();
  return { status: 200, body: encodeSyncAnswer({ ...answer, now }) };
};

/** The part of `api/v1/v1-routes.ts` between the HTTP server and the services, over JSON text. */
const answerV1 = async (
  deps: AnswerDeps,
  space: SpaceId,
  body: string,
  token: string,
): Promise<Answer> => {
  const { services } = deps;
  const { limits } = services;
  const parse = parseBody(Buffer.from(body), limits);
  if (parse.kind === "refused") return problem(parse.code, parse.detail);
  const { json, violations } = parse.body;
  const reading = readV1SyncRequest(json, violations, limits);
  if (reading.kind !== "ok") return problem("bad_request", "the request is malformed");
  const { sent, lastSyncDate, cursor } = reading.request;
  const refusal = await refusalOf(deps, space, token, sent.length > 0 ? "write" : "read");
  if (refusal !== null) return refusal;
  const changes = sent.map(({ change }) => change);
  const answer = await services.syncReadings({ space, sent: changes, lastSyncDate, cursor });
  if (answer.kind !== "open") return problem("storage_full", "the disk is full");
  let text = "";
  for await (const piece of writeReadings(answer.chunks, sent, () => {})) text += piece;
  return { status: 200, body: text };
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
  deps: AnswerDeps,
  { from, waitMs }: PullReading,
  { token, gone }: Caller,
): Promise<Answer> => {
  const { services, observer, nowMs } = deps;
  const readySinceMs = nowMs();
  let answer: PullAnswer;
  if (waitMs === 0) answer = await services.pull(from);
  else {
    const signal = AbortSignal.any([gone, services.draining]);
    const mayStillRead = readsStill(deps, from.space, token);
    const waited = await waitForChange(services, { from, waitMs, mayStillRead, signal });
    if (waited === null) return problem("unauthorized", "the token has expired");
    answer = waited;
    // A reset is not news of a commit: it brings what is old.
    if (answer.reset === null) observer.sent(from.space, answer.records, readySinceMs);
  }
  return { status: 200, body: encodePullAnswer(answer, services.runtime.now()) };
};

type Line = {
  readonly send: (text: string) => Promise<boolean>;
  readonly mayStillRead: () => Promise<boolean>;
  readonly signal: AbortSignal;
};

const sendEvents = async (
  { services, observer, nowMs }: AnswerDeps,
  from: PullInput,
  { send, mayStillRead, signal }: Line,
): Promise<void> => {
  const frames = subscribe(services, {
    from: { ...from, bytesMax: services.limits.streamPageBytesMax },
    encode: (answer) => {
      const id = answer.cursor === null ? {} : { id: answer.cursor };
      return Buffer.from(encodeEvent({ ...id, name: "changes", data: encodeStreamEvent(answer) }));
    },
    dialect: "v2",
    mayStillRead,
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
  { send, mayStillRead, signal }: Line,
): Promise<void> => {
  const input = { ...from, bytesMax: services.limits.streamPageBytesMax };
  for await (const text of ndjsonPages(services, input, { mayStillRead, signal })) {
    if (!(await send(text))) return;
  }
};

const spaceOf = (request: Request): SpaceId => {
  if (!isSpaceId(request.space)) throw new Error("no space's id");
  return request.space;
};

/** The ways into a server, without HTTP: real readers, real services, real encoders. */
export const createAnswers = (deps: AnswerDeps): Pick<ServerPort, "answer" | "stream"> => ({
  answer: async (request, caller) => {
    const space = spaceOf(request);
    if (request.kind === "sync") return answerSync(deps, space, request.body, caller.token);
    if (request.kind === "v1") return answerV1(deps, space, request.body, caller.token);
    const reading = readPull(deps, space, request.query);
    if (reading.kind === "refused") return reading.answer;
    const refusal = await refusalOf(deps, space, caller.token, "read");
    return refusal ?? answerPull(deps, reading, caller);
  },
  stream: async (request, send, { token, gone }) => {
    if (request.kind !== "changes") throw new Error("a push is no stream");
    const space = spaceOf(request);
    const reading = readPull(deps, space, request.query);
    if (reading.kind === "refused") return reading.answer;
    const refusal = await refusalOf(deps, space, token, "read");
    if (refusal !== null) return refusal;
    const signal = AbortSignal.any([gone, deps.services.draining]);
    const line = { send, mayStillRead: readsStill(deps, space, token), signal };
    if (request.form === "sse") await sendEvents(deps, reading.from, line);
    else await sendLines(deps, reading.from, line);
    return null;
  },
});
