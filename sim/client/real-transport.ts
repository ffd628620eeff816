import type {
  OnPage,
  PullFrom,
  Reply,
  StreamEnd,
  Transport,
  TransportFailure,
} from "../../packages/client/src/transport/transport.ts";
import type { WireSyncAnswer } from "@synchro/protocol";
import type { Answer, Request } from "../network.ts";
import type { AnyAnswer } from "./apply-answer.ts";
import type { ClientDeps } from "./client.ts";
import { createEventReader, createLineReader } from "./read-stream.ts";

const REQUEST_MS = 10_000;
const SILENCE_MS = 75_000;

const failureOf = (answer: Answer | null): TransportFailure => {
  if (answer === null) return { kind: "unreachable", reason: "no answer" };
  const { status } = answer;
  if (status === 401) return { kind: "unauthorized" };
  if (status === 403) return { kind: "forbidden" };
  if (status === 413) return { kind: "too_large" };
  if (status === 503 || status === 507) return { kind: "busy", code: "", retryAfterMs: null };
  if (status >= 500) return { kind: "unreachable", reason: String(status) };
  return { kind: "refused", status, code: "", detail: answer.body };
};

const queryOf = (from: PullFrom): { readonly [name: string]: string } => ({
  ...(from.cursor === null ? {} : { cursor: from.cursor }),
  ...(from.ack === null ? {} : { ack: from.ack }),
  ...(from.collections === null ? {} : { collections: from.collections.join(",") }),
  ...(from.tombstones ? { tombstones: "true" } : {}),
  ...(from.limit === null ? {} : { limit: String(from.limit) }),
});

type Body = { readonly changes: readonly unknown[] };

/** Counts what the protocol was put to in one answered push. */
const countAnswer = (count: ClientDeps["count"], answer: AnyAnswer, sent: number): void => {
  if (answer.reset !== undefined) count(`reset_${answer.reset}`);
  if ((answer.results?.length ?? sent) < sent) count("results_prefix");
};

/** Counts pushes whose changes have been sent before, and had no answer. */
const createAgainCounter = (count: ClientDeps["count"]) => {
  let unanswered: string | null = null;
  return {
    sent: (body: string): void => {
      const changes = body.slice(body.indexOf('"changes":['));
      if (changes === unanswered) count("batch_sent_again");
      unanswered = changes === '"changes":[]}' ? unanswered : changes;
    },
    answered: (): void => {
      unanswered = null;
    },
  };
};

/** The real client's transport over the simulated network; `mode` says which ways get through. */
export const createSimulatedTransport = (deps: ClientDeps, space: string): Transport => {
  const { transport, count, mode } = deps;
  const again = createAgainCounter(count);
  const noWay: TransportFailure = { kind: "unreachable", reason: "this way does not get through" };
  const request = async <Wanted>(
    wish: Request,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<Reply<Wanted>> => {
    const answer = await transport.request(wish, { timeoutMs, signal });
    if (answer !== null && answer.status !== 200) count(`answer_${answer.status}`);
    if (answer?.status !== 200) return failureOf(answer);
    const read = JSON.parse(answer.body) as AnyAnswer;
    const sent = wish.kind === "sync" ? (JSON.parse(wish.body) as Body).changes.length : 0;
    countAnswer(count, read, sent);
    return { kind: "answered", answer: read as Wanted };
  };
  const stream = async (
    form: "sse" | "ndjson",
    from: PullFrom,
    onPage: OnPage,
    signal: AbortSignal,
  ): Promise<StreamEnd> => {
    const read = form === "sse" ? createEventReader() : createLineReader();
    let end: StreamEnd = { kind: "unreachable", reason: "cut off" };
    const onText = async (text: string): Promise<boolean> => {
      for (const page of read(text) as readonly (AnyAnswer & { cursor: string | null })[]) {
        count(form === "sse" ? "stream_event" : "ndjson_page");
        countAnswer(count, page, 0);
        const wish = await onPage(page);
        if (wish === "stop") end = { kind: "stopped" };
        else if (form === "ndjson" && page.more !== undefined) end = { kind: "ended" };
        if (wish === "stop") return false;
      }
      return true;
    };
    const refusal = await transport.stream(
      { kind: "changes", form, space, query: queryOf(from) },
      { silenceMs: SILENCE_MS, onText, signal },
    );
    if (refusal !== null) count(`answer_${refusal.status}`);
    if (refusal !== null) return failureOf(refusal);
    if (form === "ndjson" && end.kind === "unreachable") count("ndjson_cut");
    return signal.aborted && end.kind === "unreachable" ? { kind: "stopped" } : end;
  };
  return {
    sync: async (body, signal) => {
      again.sent(body);
      const reply = await request<WireSyncAnswer>(
        { kind: "sync", space, body },
        REQUEST_MS,
        signal,
      );
      if (reply.kind === "answered" && reply.answer.results.length > 0) again.answered();
      return reply;
    },
    pull: async (from, waitSeconds, signal) => {
      if (waitSeconds !== null && mode === "sync") return noWay;
      const wait = waitSeconds === null ? {} : { wait: String(waitSeconds) };
      const query = { ...queryOf(from), ...wait };
      const timeoutMs = REQUEST_MS + (waitSeconds ?? 0) * 1_000;
      return request({ kind: "changes", form: "json", space, query }, timeoutMs, signal);
    },
    readPages: (from, onPage, signal) => stream("ndjson", from, onPage, signal),
    follow: async (from, onPage, signal) =>
      mode === "live" ? stream("sse", from, onPage, signal) : noWay,
  };
};
