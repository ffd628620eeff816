import { MessageChannel } from "node:worker_threads";
import type { Runtime } from "@synchro/core";

/** Waits, or until the signal aborts. */
export const wait = async (
  runtime: Pick<Runtime, "after">,
  ms: number,
  signal: AbortSignal,
): Promise<void> => {
  if (signal.aborted) return;
  // The runtime's timers do not keep a process alive: an open port does, while nothing else may.
  const { port1, port2 } = new MessageChannel();
  port1.on("message", () => {});
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = runtime.after(ms, resolve);
  signal.addEventListener("abort", () => resolve(), { once: true });
  await promise;
  cancel();
  port1.close();
  port2.close();
};
