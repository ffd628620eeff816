import type { Runtime } from "@synchro/core";
import { defaultLimits, type Limits } from "@synchro/protocol";
import { pino } from "pino";
import { v1Routes } from "../src/api/v1/v1-routes.ts";
import { createLiveDoor } from "../src/api/v2/live/live-door.ts";
import { v2Routes } from "../src/api/v2/v2-routes.ts";
import {
  type CollectionRegistry,
  createCollectionRegistry,
} from "../src/collections/collection-registry.ts";
import { createMetrics } from "../src/create-metrics.ts";
import {
  type AccessMode,
  createHttpServer,
  type HttpServer,
  type RoutePlugin,
} from "../src/http/create-http-server.ts";
import {
  type Authorize,
  authorizeAnybody,
  type Identify,
  identifyAnybody,
} from "../src/service/authorize.ts";
import type { QuotaOf } from "../src/service/push.ts";
import { createServices, type Services } from "../src/service/services.ts";
import { MemoryStore } from "../src/store/memory/memory-store.ts";
import type { Store, StoreOptions } from "../src/store/store.ts";
import { systemRuntime } from "../src/system-runtime.ts";

export type TestServer = {
  readonly url: string;
  readonly store: Store;
  readonly services: Services;
  readonly routes: HttpServer["routes"];
  readonly stop: () => Promise<void>;
};

export type TestServerOptions = {
  readonly limits?: Partial<Limits>;
  readonly runtime?: Runtime;
  readonly registry?: CollectionRegistry;
  /** As a configuration declares them; `registry` goes before. */
  readonly collections?: Parameters<typeof createCollectionRegistry>[0];
  readonly authorize?: Authorize;
  readonly identify?: Identify;
  readonly access?: AccessMode;
  readonly quotaOf?: QuotaOf;
  readonly corsOrigins?: readonly string[];
  readonly drainDelayMs?: number;
  /** Beside those of `/v1` and `/v2`. */
  readonly routes?: readonly RoutePlugin[];
  readonly openStore?: (options: StoreOptions) => Store | Promise<Store>;
};

/** A real server on a free port of the loopback address, on the memory store unless told. The caller stops it. */
export const startTestServer = async (options: TestServerOptions = {}): Promise<TestServer> => {
  const limits = { ...defaultLimits, ...options.limits };
  const runtime = options.runtime ?? systemRuntime;
  const registry = options.registry ?? createCollectionRegistry(options.collections);
  const openStore = options.openStore ?? ((of: StoreOptions) => new MemoryStore(of));
  const store = await openStore({ runtime, limits, collections: registry.storedCollections });
  const draining = new AbortController();
  const metrics = createMetrics({ process: false });
  const services = createServices({
    store,
    runtime,
    limits,
    registry,
    metrics,
    authorize: options.authorize ?? authorizeAnybody,
    identify: options.identify ?? identifyAnybody,
    draining: draining.signal,
    quotaOf: options.quotaOf ?? (() => null),
  });
  const corsOrigins = options.corsOrigins ?? [];
  const logger = pino({ level: "silent" });
  const live = createLiveDoor(services, { corsOrigins, logger });
  const server = await createHttpServer({
    limits,
    runtime,
    logger,
    access: options.access ?? { kind: "open" },
    corsOrigins,
    tls: null,
    metrics,
    draining,
    drainDelayMs: options.drainDelayMs ?? 0,
    readiness: async () => [],
    upgrades: live.upgrades,
    routes: [v1Routes(services), v2Routes(services), live.routes, ...(options.routes ?? [])],
  });
  const url = await server.listen({ host: "127.0.0.1", port: 0 });
  const stop = async (): Promise<void> => {
    await server.stop();
    await store.close();
  };
  return { url, store, services, routes: server.routes, stop };
};
