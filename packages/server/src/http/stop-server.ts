import type { Runtime } from "@synchro/core";
import type { FastifyInstance } from "fastify";

export type StopServer = {
  /**
   * Takes no more connections, tells streams to end, lets requests finish, and resolves when the
   * last connection is closed: `finished`, or `cut` where `force`, or the time allowed, closed one
   * that was in use.
   */
  readonly stop: () => Promise<"finished" | "cut">;
  /** Closes every connection now. */
  readonly force: () => void;
};

/** Milliseconds for which a stop waits for requests and streams to end. */
const STOP_MS = 10_000;

/** Milliseconds between looks for connections that have become idle during a stop. */
const STOP_LOOK_MS = 50;

/** How a server ends; see {@link StopServer}. Spec: LIVE-15. */
export const createStop = (
  app: FastifyInstance,
  deps: { readonly runtime: Runtime; readonly draining: AbortController },
): StopServer => {
  const { runtime, draining } = deps;
  let outcome: "finished" | "cut" = "finished";
  let stopping: Promise<"finished" | "cut"> | null = null;
  const force = (): void => {
    outcome = "cut";
    app.server.closeAllConnections();
  };
  const stop = async (): Promise<"finished" | "cut"> => {
    draining.abort();
    const cancelForce = runtime.after(STOP_MS, force);
    let isClosed = false;
    const closeIdle = (): void => {
      if (isClosed) return;
      // A connection whose answer began before the stop was not told to close: it becomes idle.
      app.server.closeIdleConnections();
      runtime.after(STOP_LOOK_MS, closeIdle);
    };
    runtime.after(STOP_LOOK_MS, closeIdle);
    await app.close();
    isClosed = true;
    cancelForce();
    return outcome;
  };
  return { force, stop: () => (stopping ??= stop()) };
};
