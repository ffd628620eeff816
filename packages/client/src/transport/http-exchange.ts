import type { ClientRuntime } from "../runtime/client-runtime.ts";
import { type Attempt, beginAttempt } from "./attempt.ts";
import { failureOfResponse } from "./failure-of-response.ts";
import { readJsonAnswer } from "./json-answer.ts";
import { createLineSplitter } from "./line-splitter.ts";
import { mediaTypeOf } from "./media-type.ts";
import { NOT_SYNCHRO } from "./not-synchro.ts";
import type { PageForm } from "./page-form.ts";
import { type HttpRequest, type SendDeps, sendRequest } from "./send-request.ts";
import { textPieces } from "./text-pieces.ts";
import { TransferError } from "./transfer-error.ts";
import type { OnPage, Reply, StreamEnd, TransportFailure } from "./transport.ts";
import type { TransportLimits } from "./transport-limits.ts";

export type HttpExchange = SendDeps & {
  readonly runtime: ClientRuntime;
  readonly limits: TransportLimits;
};

/** Runs `body` with a connection's life around it, and tells what failed on the wire as data. */
const attempting = async <Outcome>(
  { runtime }: HttpExchange,
  signal: AbortSignal,
  body: (attempt: Attempt) => Promise<Outcome>,
  failed: (error: TransferError) => Outcome,
): Promise<Outcome> => {
  const attempt = beginAttempt(runtime, signal);
  try {
    return await body(attempt);
  } catch (error) {
    if (error instanceof TransferError) return failed(error);
    throw error;
  } finally {
    attempt.end();
  }
};

const unreachable = ({ message }: TransferError): TransportFailure => ({
  kind: "unreachable",
  reason: message,
});

/** Sends, and hands on only a 200 of the media type that was asked for. */
const ask = async (
  exchange: HttpExchange,
  attempt: Attempt,
  request: HttpRequest,
): Promise<Response | TransportFailure> => {
  const response = await sendRequest(exchange, attempt, request);
  if (response === null) return { kind: "unauthorized" };
  if (response.status !== 200) {
    return failureOfResponse(response, attempt, exchange.limits);
  }
  if (mediaTypeOf(response) !== request.accept) throw new TransferError(NOT_SYNCHRO);
  return response;
};

/** One request with one answer, read whole. */
export const readAnswer = <Answer>(
  exchange: HttpExchange,
  request: HttpRequest,
  isAnswer: (value: unknown) => value is Answer,
  signal: AbortSignal,
): Promise<Reply<Answer>> => {
  const { limits } = exchange;
  const bounds = { ...limits, charsMax: limits.messageCharsMax };
  const read = async (attempt: Attempt): Promise<Reply<Answer>> => {
    const response = await ask(exchange, attempt, request);
    if ("kind" in response) return response;
    const answer = await readJsonAnswer(textPieces(response, attempt), attempt, bounds);
    if (!isAnswer(answer)) throw new TransferError(NOT_SYNCHRO);
    return { kind: "answered", answer };
  };
  return attempting<Reply<Answer>>(exchange, signal, read, unreachable);
};

/** One request whose answer is page after page; the next is read when `onPage` is done with the last. */
export const readPagesOf = (
  exchange: HttpExchange,
  request: HttpRequest,
  form: PageForm,
  onPage: OnPage,
  signal: AbortSignal,
): Promise<StreamEnd> => {
  const { limits } = exchange;
  const read = async (attempt: Attempt): Promise<StreamEnd> => {
    const response = await ask(exchange, attempt, request);
    if ("kind" in response) return response;
    const pieces = textPieces(response, attempt);
    const splitLines = createLineSplitter(limits.messageCharsMax);
    const assemble = form.createAssembler(limits.messageCharsMax);
    for (;;) {
      const piece = await pieces.next(limits.silenceMs);
      if (piece === null) break;
      for (const line of splitLines(piece)) {
        const page = assemble(line);
        if (page === null) continue;
        if (signal.aborted || (await onPage(page)) === "stop") return { kind: "stopped" };
        if (!form.isLast(page)) continue;
        await pieces.drain(limits.drainMs);
        return { kind: "ended" };
      }
    }
    if (form.endsAnywhere) return { kind: "ended" };
    throw new TransferError("the answer ended before its last line");
  };
  return attempting<StreamEnd>(exchange, signal, read, (error) =>
    error.isStopped ? { kind: "stopped" } : unreachable(error),
  );
};
