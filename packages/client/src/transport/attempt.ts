import type { ClientRuntime } from "../runtime/client-runtime.ts";
import { TransferError } from "./transfer-error.ts";

/**
 * The life of one request: whatever it waits for ends with the work, with the time given to it, or
 * with the caller's signal, also where the platform ignores all of these.
 */
export type Attempt = {
  /** For `fetch`: aborted when the attempt is over, whatever the reason. */
  readonly signal: AbortSignal;
  /** @throws TransferError with `reason` when `timeMs` is over, or a stopped one; and what `work` throws. */
  readonly within: <Result>(
    timeMs: number,
    reason: string,
    work: Promise<Result>,
  ) => Promise<Result>;
  /** Lets go of the connection and of the caller's signal. */
  readonly end: () => void;
};

export const beginAttempt = (runtime: ClientRuntime, caller: AbortSignal): Attempt => {
  const controller = new AbortController();
  const stopped = (): TransferError => new TransferError("stopped by the caller", true);
  const rejecters = new Set<(error: TransferError) => void>();
  const onAbort = (): void => {
    controller.abort();
    for (const reject of rejecters) reject(stopped());
  };
  caller.addEventListener("abort", onAbort, { once: true });
  if (caller.aborted) onAbort();
  return {
    signal: controller.signal,
    within: (timeMs, reason, work) =>
      new Promise((resolve, reject) => {
        const settle = (): void => {
          cancel();
          rejecters.delete(fail);
        };
        const fail = (error: TransferError): void => {
          settle();
          reject(error);
        };
        const cancel = runtime.after(timeMs, () => fail(new TransferError(reason)));
        rejecters.add(fail);
        work.finally(settle).then(resolve, reject);
        if (caller.aborted) fail(stopped());
      }),
    end: () => {
      caller.removeEventListener("abort", onAbort);
      controller.abort();
    },
  };
};
