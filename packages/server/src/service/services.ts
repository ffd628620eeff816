import type { Runtime } from "@synchro/core";
import type { Limits } from "@synchro/protocol";
import type { CollectionRegistry } from "../collections/collection-registry.ts";
import { createHub, type Hub } from "../live/hub.ts";
import { createStreamSlots, type StreamSlots } from "../live/stream-slots.ts";
import type { Metrics } from "../metrics.ts";
import type { Store } from "../store/store.ts";
import type { Authorize, Identify } from "./authorize.ts";
import { createPull, type Pull } from "./pull.ts";
import { createPush, type QuotaOf } from "./push.ts";
import { createSyncReadings, type SyncReadings } from "./sync-readings.ts";
import { createSync, type Sync } from "./sync.ts";
import type { Frame } from "./subscribe.ts";

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
};

/** The verbs of a server, free of any transport, and what every transport needs beside them. */
export type Services = ServiceDeps & {
  readonly pull: Pull;
  readonly sync: Sync;
  readonly syncReadings: SyncReadings;
  readonly hub: Hub<Frame>;
  readonly streamSlots: StreamSlots;
};

export const createServices = (deps: ServiceDeps): Services => {
  const hub = createHub<Frame>(deps.runtime, deps.limits.streamIdleMs);
  const pull = createPull(deps);
  const push = createPush({ ...deps, hub });
  return {
    ...deps,
    hub,
    streamSlots: createStreamSlots(deps),
    pull,
    sync: createSync({ push, pull }),
    syncReadings: createSyncReadings({ ...deps, push }),
  };
};
