import type { OutgoingHttpHeaders } from "node:http";
import type { Runtime } from "@synchro/core";
import type { FastifyReply } from "fastify";

export type StreamOptions = {
  readonly contentType: string;
  readonly runtime: Runtime;
  /** Milliseconds that a client may take to read what was written; then its connection is cut. */
  readonly stallMs: number;
  /** Milliseconds that the whole answer may take; absent: no bound. */
  readonly totalMs?: number;
  /** Asked before each piece: false cuts the connection. */
  readonly mayGoOn?: () => Promise<boolean>;
};

type Outlet = FastifyReply["raw"];

/** Resolves once the client has taken what was written; false if it has gone or stalled. */
const drained = (outlet: Outlet, runtime: Runtime, stallMs: number): Promise<boolean> =>
  new Promise((resolve) => {
    const finish = (isOpen: boolean): void => {
      cancel();
      outlet.off("drain", onDrain);
      outlet.off("close", onClose);
      resolve(isOpen);
    };
    const onDrain = (): void => finish(true);
    const onClose = (): void => finish(false);
    const cancel = runtime.after(stallMs, () => finish(false));
    outlet.once("drain", onDrain);
    outlet.once("close", onClose);
  });

/** An AbortSignal that fires when the client goes away, or when `others` do. */
export const closedSignal = (
  reply: FastifyReply,
  ...others: readonly AbortSignal[]
): AbortSignal => {
  const closed = new AbortController();
  // A client may have gone while its request was being judged: that event will not come again.
  if (reply.raw.destroyed) closed.abort();
  else reply.raw.once("close", () => closed.abort());
  return AbortSignal.any([closed.signal, ...others]);
};

const writePieces = async (
  outlet: Outlet,
  pieces: AsyncIterator<string | Buffer>,
  first: IteratorResult<string | Buffer>,
  options: StreamOptions,
): Promise<void> => {
  const { mayGoOn } = options;
  for (let next = first; next.done !== true; next = await pieces.next()) {
    if (outlet.destroyed) return;
    if (mayGoOn !== undefined && !(await mayGoOn())) return void outlet.destroy();
    if (outlet.write(next.value)) continue;
    if (await drained(outlet, options.runtime, options.stallMs)) continue;
    outlet.destroy();
    return;
  }
  outlet.end();
};

/**
 * Writes an answer piece by piece, never more than one piece ahead of what the client has read, so
 * that memory stays flat. What fails before the first piece is thrown, for a proper error answer;
 * what fails later cuts the connection without the closing chunk, so that a client can tell half an
 * answer from a whole one.
 */
export const streamReply = async (
  reply: FastifyReply,
  source: AsyncIterable<string | Buffer>,
  options: StreamOptions,
): Promise<void> => {
  const pieces = source[Symbol.asyncIterator]();
  const first = await pieces.next();
  const headers: OutgoingHttpHeaders = {
    "cache-control": "no-store",
    "x-accel-buffering": "no",
    ...(reply.getHeaders() as OutgoingHttpHeaders),
    "content-type": options.contentType,
  };
  reply.hijack();
  const outlet = reply.raw;
  const { runtime, totalMs } = options;
  const cut = (): void => void outlet.destroy();
  const cancelTotal = totalMs === undefined ? () => {} : runtime.after(totalMs, cut);
  try {
    outlet.writeHead(200, headers);
    await writePieces(outlet, pieces, first, options);
  } catch (error) {
    reply.log.error({ reqId: reply.request.id, err: error }, "a streamed answer failed");
    cut();
  } finally {
    cancelTotal();
    await pieces.return?.();
  }
};
