import type { Request } from "../network.ts";
import { type AnyAnswer, type Applied, applyAnswer } from "./apply-answer.ts";
import type { ClientDeps } from "./client.ts";
import type { ClientState } from "./client-state.ts";
import { freezeBatch, settle, syncBody } from "./outbox.ts";
import { createEventReader, createLineReader } from "./read-stream.ts";

const REQUEST_MS = 10_000;
const WAIT_SECONDS = 30;
/** A stream says something every 30 seconds: one that did not for longer is dead. */
const SILENCE_MS = 75_000;

/** What a page left: nothing came, or more is to be read, or the client is up to date. */
export type PullOutcome = "no answer" | "more" | "done";

const pageLimit = ({ random }: ClientDeps): number => random.between(1, 9);

const queryOf = (deps: ClientDeps, state: ClientState): { readonly [name: string]: string } => ({
  ...(state.cursor === null ? {} : { cursor: state.cursor }),
  ...(state.ack === null ? {} : { ack: state.ack }),
  ...(state.collections === null ? {} : { collections: state.collections.join(",") }),
  ...(state.run === "offer" ? { tombstones: "true" } : {}),
  limit: String(pageLimit(deps)),
});

type SentRequest = {
  readonly sentUnder: number;
  readonly beginsRun: boolean;
  readonly entryIds: readonly number[];
  readonly measuresClock: boolean;
};

const save = async (
  deps: ClientDeps,
  answer: AnyAnswer,
  request: SentRequest,
): Promise<Applied> => {
  const { disk, runtime, count } = deps;
  const { entryIds } = request;
  const applied = await disk.transact((state) => {
    const sent = entryIds.flatMap((id) => state.outbox.find((entry) => entry.id === id) ?? []);
    const outcome = applyAnswer(state, answer, { ...request, runtime, sent });
    return { state: outcome.state, outcome };
  });
  if (applied.kind === "ignored") count("answer_of_older_generation");
  else if (answer.reset !== undefined) count(`reset_${answer.reset}`);
  if (applied.differs !== null) count("digest_compared");
  return applied;
};

const halveBatch = async ({ disk, count }: ClientDeps): Promise<void> => {
  count("answer_413");
  await disk.transact((state) => {
    const ids = state.batch?.entryIds ?? [];
    const entry = state.outbox.find(({ id }) => id === ids[0]);
    const open = { ...state, batch: null };
    if (ids.length > 1 || entry === undefined) {
      return { state: { ...open, batchMax: Math.ceil(ids.length / 2) }, outcome: null };
    }
    // Final on a single change, and there only (CLIENT-6).
    const fate = { kind: "rejected", code: "413" } as const;
    return { state: settle(open, entry, fate, entry.replaces), outcome: null };
  });
};

/** One push, with or without a pull in the same exchange. True if it was answered. */
export const push = async (deps: ClientDeps, pulls: boolean): Promise<boolean> => {
  const { disk, transport, count } = deps;
  const before = disk.read().batch;
  await disk.transact((state) => ({
    state: freezeBatch(state, { pulls, limit: pageLimit(deps) }),
    outcome: null,
  }));
  const { batch, space } = disk.read();
  if (batch === null) throw new Error("the batch was not frozen");
  if (batch === before) count("batch_sent_again");
  const request: Request = { kind: "sync", space, body: batch.body };
  const answer = await transport.request(request, { timeoutMs: REQUEST_MS });
  if (answer?.status === 413) {
    await halveBatch(deps);
    return true;
  }
  if (answer?.status !== 200) {
    if (answer !== null) count(`answer_${answer.status}`);
    return false;
  }
  const { entryIds, beginsRun, generation: sentUnder } = batch;
  const body = JSON.parse(answer.body) as AnyAnswer;
  if ((body.results?.length ?? 0) < entryIds.length) count("results_prefix");
  await save(deps, body, { sentUnder, beginsRun, entryIds, measuresClock: true });
  return true;
};

/** Reads pages from a stream until it ends. */
export const readStream = async (
  deps: ClientDeps,
  form: "sse" | "ndjson",
  signal: AbortSignal,
): Promise<PullOutcome> => {
  const { disk, transport, count } = deps;
  const state = disk.read();
  const reader = form === "sse" ? createEventReader() : createLineReader();
  let sentUnder = state.generation;
  let isFirst = true;
  // A space that is not there has no cursor: the first page of it reads from the beginning again.
  let isAtNull = state.cursor === null;
  let outcome: PullOutcome = "no answer";
  const onText = async (text: string): Promise<boolean> => {
    for (const answer of reader(text)) {
      const beginsRun = isAtNull && (isFirst || answer.cursor !== null);
      const request = { sentUnder, beginsRun, entryIds: [], measuresClock: false };
      const applied = await save(deps, answer, request);
      if (applied.kind === "ignored") return false;
      count(form === "sse" ? "stream_event" : "ndjson_page");
      if (answer.more !== undefined) outcome = answer.more ? "more" : "done";
      isFirst = false;
      isAtNull = answer.cursor === null;
      sentUnder = applied.generation;
      // A stream judges the ack that it was opened with, and none that came since. If it is quiet and
      // still behind what is held, it is opened again, with the ack of today.
      if (applied.isAhead && answer.changes.length === 0 && form === "sse") {
        count("stream_behind");
        return false;
      }
      // A restart, for a digest that differs.
      if (disk.read().generation !== sentUnder) return false;
    }
    return true;
  };
  const request: Request = {
    kind: "changes",
    form,
    space: state.space,
    query: queryOf(deps, state),
  };
  await transport.stream(request, { silenceMs: SILENCE_MS, onText, signal });
  if (form === "ndjson" && outcome === "no answer") count("ndjson_cut");
  return outcome;
};

const savePage = async (
  deps: ClientDeps,
  body: string,
  request: Omit<SentRequest, "entryIds">,
): Promise<PullOutcome> => {
  const answer = JSON.parse(body) as AnyAnswer;
  await save(deps, answer, { ...request, entryIds: [] });
  const isDone = answer.more === false && deps.disk.read().run === null;
  return isDone ? "done" : "more";
};

/** One page, asked for by GET or by POST. */
export const pullPage = async (deps: ClientDeps, method: "get" | "post"): Promise<PullOutcome> => {
  const { disk, transport } = deps;
  const state = disk.read();
  const { space, generation: sentUnder } = state;
  const beginsRun = state.cursor === null;
  const request: Request =
    method === "get"
      ? { kind: "changes", form: "json", space, query: queryOf(deps, state) }
      : { kind: "sync", space, body: syncBody(state, [], { pulls: true, limit: pageLimit(deps) }) };
  const answer = await transport.request(request, { timeoutMs: REQUEST_MS });
  if (answer?.status !== 200) return "no answer";
  return savePage(deps, answer.body, { sentUnder, beginsRun, measuresClock: true });
};

/** A long poll, until something comes or `signal` aborts. */
export const longPoll = async (deps: ClientDeps, signal: AbortSignal): Promise<PullOutcome> => {
  const { disk, transport } = deps;
  const state = disk.read();
  const query = { ...queryOf(deps, state), wait: String(WAIT_SECONDS) };
  const request: Request = { kind: "changes", form: "json", space: state.space, query };
  const timeoutMs = REQUEST_MS + WAIT_SECONDS * 1000;
  const answer = await transport.request(request, { timeoutMs, signal });
  if (answer?.status !== 200) return "no answer";
  return savePage(deps, answer.body, {
    sentUnder: state.generation,
    beginsRun: state.cursor === null,
    measuresClock: false,
  });
};
