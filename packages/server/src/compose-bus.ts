import type { ClientConfig } from "pg";
import type { Logger } from "pino";
import type { Settings } from "./config/settings.ts";
import type { Bus } from "./live/bus/bus.ts";
import type { BusObserver } from "./live/bus/bus-observer.ts";
import { createInProcessExchange } from "./live/bus/in-process/in-process-exchange.ts";
import { LinkedBus } from "./live/bus/linked-bus.ts";
import { dialNats } from "./live/bus/nats/dial-nats.ts";
import { dialPostgres } from "./live/bus/postgres/dial-postgres.ts";
import type { NodeMetrics } from "./metrics.ts";
import { systemRuntime } from "./system-runtime.ts";

const observe = (
  logger: Logger,
  metrics: Pick<NodeMetrics, "watchGauge" | "countHints">,
): BusObserver => {
  let isUp = false;
  metrics.watchGauge("bus_up", () => (isUp ? 1 : 0));
  return {
    onUp: () => {
      isUp = true;
      logger.info("other nodes can be told of commits");
    },
    onDown: (reason) => {
      isUp = false;
      logger.warn({ reason }, "other nodes can't be told of commits: they notice later");
    },
    countHints: metrics.countHints,
  };
};

/**
 * How this node and the others over its store tell each other of commits: NATS where the settings
 * name one, else what the database offers; a store of this process alone needs nobody. It never
 * fails: a medium that is away is waited for beside the work.
 */
export const openBus = (
  settings: Pick<Settings, "bus">,
  deps: {
    readonly logger: Logger;
    readonly metrics: Pick<NodeMetrics, "watchGauge" | "countHints">;
    /** The primary of a database that nodes share; null: the store is this process's own. */
    readonly database: ClientConfig | null;
  },
): Bus => {
  const { logger, metrics, database } = deps;
  const linked = { runtime: systemRuntime, observer: observe(logger, metrics) };
  if (settings.bus !== null) return new LinkedBus(linked, dialNats(settings.bus));
  if (database !== null) return new LinkedBus(linked, dialPostgres(database));
  return createInProcessExchange(systemRuntime).join();
};
