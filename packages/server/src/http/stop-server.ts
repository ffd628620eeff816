import type { Cancel, Runtime } from "@synchro/core";
import type { FastifyInstance } from "fastify";
import type { Upgrades } from "./upgrades.ts";

export type StopServer = {
  /**
   * Says from now on that requests should go elsewhere, and goes on serving for as long as a load
   * balancer may take to notice. Then takes no more connections, tells streams to end, lets requests
   * finish, and resolves when the last connection is closed: `finished`, or `cut` where `force`, or
   * the time allowed, closed one that was in use.
   */
  readonly stop: () => Promise<"finished" | "cut">;
  /** Closes every connection now. */
  readonly force: () => void;
  /** Whether a stop was asked for. */
  readonly isStopping: () => boolean;
};

/** Milliseconds for which a stop waits for requests and streams to end. */
const STOP_MS = 10_000;

/** Milliseconds between looks for connections that have become idle during a stop. */
const STOP_LOOK_MS = 50;

/** Closes idle connections again and again until told to stop. */
const closeWhatIsIdle = (app: FastifyInstance, runtime: Runtime): Cancel => {
  let cancel: Cancel = () => {};
  const look = (): void => {
    // A connection whose answer began before the stop was not told to close: it becomes idle.
    app.server.closeIdleConnections();
    cancel = runtime.after(STOP_LOOK_MS, look);
  };
  cancel = runtime.after(STOP_LOOK_MS, look);
  return () => cancel();
};

/** How a server ends; see {@link StopServer}. Spec: LIVE-15. */
export const createStop = (
  app: FastifyInstance,
  deps: {
    readonly runtime: Runtime;
    readonly draining: AbortController;
    readonly upgrades: Pick<Upgrades, "cut">;
    /** Milliseconds for which it goes on serving after it said that it will not. */
    readonly drainDelayMs: number;
  },
): StopServer => {
  const { runtime, draining, upgrades, drainDelayMs } = deps;
  const forced = Promise.withResolvers<void>();
  let outcome: "finished" | "cut" = "finished";
  let stopping: Promise<"finished" | "cut"> | null = null;
  const force = (): void => {
    outcome = "cut";
    forced.resolve();
    app.server.closeAllConnections();
    upgrades.cut();
  };
  const untilNoticed = async (): Promise<void> => {
    const delay = Promise.withResolvers<void>();
    const cancel = runtime.after(drainDelayMs, delay.resolve);
    await Promise.race([delay.promise, forced.promise]);
    cancel();
  };
  const stop = async (): Promise<"finished" | "cut"> => {
    if (drainDelayMs > 0) await untilNoticed();
    draining.abort();
    const cancelForce = runtime.after(STOP_MS, force);
    const stopClosing = closeWhatIsIdle(app, runtime);
    await app.close();
    stopClosing();
    cancelForce();
    return outcome;
  };
  return { force, stop: () => (stopping ??= stop()), isStopping: () => stopping !== null };
};
