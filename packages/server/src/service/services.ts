import type { Runtime } from "@synchro/core";
import type { Limits } from "@synchro/protocol";
import type { CollectionRegistry } from "../collections/collection-registry.ts";
import type { Bus, Hint } from "../live/bus/bus.ts";
import { followBus } from "../live/bus/follow-bus.ts";
import type { ReadHeads } from "../live/bus/head-poll.ts";
import { createHub, type Hub } from "../live/hub.ts";
import { createStreamSlots, type StreamSlots } from "../live/stream-slots.ts";
import type { Metrics } from "../metrics.ts";
import type { Store } from "../store/store.ts";
import type { Authorize, Identify } from "./authorize.ts";
import type { Frame } from "./frame.ts";
import { createTurns } from "./take-turns.ts";
import { createPull, type Pull } from "./pull.ts";
import { createPush, type QuotaOf } from "./push.ts";
import { createSyncReadings, type SyncReadings } from "./sync-readings.ts";
import { createSync, type Sync } from "./sync.ts";

/** Pages that are read at a time for streams that are behind. More would only make each of them later. */
const CATCH_UPS_AT_ONCE = 4;

export type ServiceDeps = {
  readonly store: Store;
  readonly runtime: Runtime;
  readonly limits: Limits;
  readonly registry: CollectionRegistry;
  readonly metrics: Metrics;
  readonly authorize: Authorize;
  readonly identify: Identify;
  /** Aborts when the server begins to stop: streams and long polls then end in good order. */
  readonly draining: AbortSignal;
  /** Absent: no space has a quota. */
  readonly quotaOf?: QuotaOf;
  /** How other nodes over the same store are told, and tell. Absent: there are none. */
  readonly bus?: Bus;
  /** Told how long each stream took to pass on what it was told of, milliseconds. */
  readonly observeFanOut?: (ms: number) => void;
  /** The backstop of the bus; absent: there is no need for one. */
  readonly readHeads?: ReadHeads;
};

/** The verbs of a server, free of any transport, and what every transport needs beside them. */
export type Services = ServiceDeps & {
  readonly pull: Pull;
  /** The same for pages of a stream that is behind, a few at a time: pushes come in between. */
  readonly catchUp: Pull;
  readonly sync: Sync;
  readonly syncReadings: SyncReadings;
  readonly hub: Hub<Frame>;
  readonly streamSlots: StreamSlots;
};

export const createServices = (deps: ServiceDeps): Services => {
  const hub = createHub<Frame>(deps.runtime, deps.limits.streamIdleMs, deps.observeFanOut);
  const pull = createPull(deps);
  const takeTurn = createTurns(deps.runtime, CATCH_UPS_AT_ONCE);
  const { runtime, bus, readHeads = null, draining: signal } = deps;
  const announce =
    bus === undefined
      ? ({ space, seq }: Hint): void => hub.announce(space, seq)
      : followBus({ runtime, hub, bus, readHeads, signal });
  const push = createPush({ ...deps, announce });
  return {
    ...deps,
    hub,
    streamSlots: createStreamSlots(deps),
    pull,
    catchUp: (input) => takeTurn(() => pull(input)),
    sync: createSync({ push, pull }),
    syncReadings: createSyncReadings({ ...deps, push }),
  };
};
