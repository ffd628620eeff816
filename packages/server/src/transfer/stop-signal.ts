import { StartError } from "../config/start-error.ts";

/** Runs `work` with a signal that aborts at Ctrl+C, or when the process is asked to end. */
export const withStopSignal = async <Result>(
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> => {
  const controller = new AbortController();
  // Later ones are the same wish: a terminal sends Ctrl+C to npm too, which passes its own on.
  const stop = (): void => controller.abort();
  process.on("SIGINT", stop).on("SIGTERM", stop);
  try {
    return await work(controller.signal);
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop);
  }
};

/** The line of a run that was asked to stop. */
export const stoppedError = (): StartError =>
  new StartError("stopped before the end: nothing is lost, run it again");

/**
 * The same pieces, until the signal aborts: even while the next is still awaited. For pieces that
 * hold many rows, as each wait costs a little.
 *
 * @throws StartError once it has aborted, so that what was cut is never taken for the end.
 */
export async function* untilAborted<Piece>(
  pieces: AsyncIterable<Piece>,
  signal: AbortSignal,
): AsyncGenerator<Piece> {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => {});
  const onAbort = (): void => reject(stoppedError());
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  const iterator = pieces[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), promise]);
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
    // Not awaited: what is stuck in reading would hold its end.
    void iterator.return?.().catch(() => {});
  }
}
