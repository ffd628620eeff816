import { resolve } from "node:path";
import type { SpaceId } from "@synchro/core";
import type { Logger } from "pino";
import { type Access, createAccess } from "./access/create-access.ts";
import { createOpenAccess } from "./access/create-open-access.ts";
import { openKeyRing } from "./access/key-ring.ts";
import { createMintDeviceToken, createMintToken } from "./access/mint-token.ts";
import { createVerifyToken } from "./access/verify-token.ts";
import { adminRoutes } from "./api/admin/admin-routes.ts";
import { v1Routes } from "./api/v1/v1-routes.ts";
import { createLiveDoor } from "./api/v2/live/live-door.ts";
import { v2Routes } from "./api/v2/v2-routes.ts";
import { type LoadedConfig, loadConfig } from "./config/load-config.ts";
import type { Settings } from "./config/settings.ts";
import { openBus } from "./compose-bus.ts";
import { openControl } from "./compose-control.ts";
import { openDatabase, type OpenedDatabase } from "./compose-postgres.ts";
import { StartError } from "./config/start-error.ts";
import type { ControlStore } from "./control/control-store.ts";
import { createLogger } from "./create-logger.ts";
import { createMetrics, type ExposedMetrics } from "./create-metrics.ts";
import { createReadiness, type Readiness, type ReadinessCheck } from "./create-readiness.ts";
import { assertPortIsFree } from "./http/assert-port-is-free.ts";
import { createHttpServer, type HttpServer } from "./http/create-http-server.ts";
import { isLoopback, listenAt, listenHost } from "./http/listen-at.ts";
import { followTlsFiles, readTlsPair, type TlsFiles, type TlsPair } from "./http/tls-files.ts";
import type { Bus } from "./live/bus/bus.ts";
import { createServices } from "./service/services.ts";
import type { Store } from "./store/store.ts";
import { migrateData, openSqliteStore } from "./store/sqlite/open-sqlite-store.ts";
import { StoreOpenError } from "./store/sqlite/store-open-error.ts";
import { StoreUnavailableError } from "./store/store-unavailable-error.ts";
import { systemRuntime } from "./system-runtime.ts";

export type RunningServer = {
  readonly url: string;
  /** Where the data are: a folder as an absolute path, or a database, without names and passwords. */
  readonly data: string;
  /** Whether callers need a token; else the server is in open mode. */
  readonly hasTokens: boolean;
  /** Whether tokens come from other machines in plain text. */
  readonly isExposed: boolean;
  readonly logger: Logger;
  /** Finishes what has begun and closes the store; `cut` where a request was not finished. */
  readonly stop: () => Promise<"finished" | "cut">;
  /** During a stop: cuts what is left. */
  readonly force: () => void;
};

/** A refusal of the engine is the operator's to mend; anything else is a defect. */
const openError = (error: unknown): unknown =>
  error instanceof StoreOpenError ? new StartError(error.message) : error;

const openFolder = async (
  data: string,
  config: LoadedConfig,
  metrics: ExposedMetrics,
  onFatal: (reason: string) => void,
): Promise<Store> => {
  try {
    return await openSqliteStore({
      runtime: systemRuntime,
      collections: config.registry.storedCollections,
      limits: config.limits,
      onCommit: metrics.observeCommit,
      dataDir: data,
      writer: "worker",
      bytesMax: null,
      onFatal: (error) =>
        onFatal(`the database can't be written any more (${error.message}): check the disk`),
    });
  } catch (error) {
    throw openError(error);
  }
};

/** The two stores of a server, and what comes with them. */
type OpenedData = Pick<OpenedDatabase, "store" | "control" | "close"> & {
  readonly name: string;
  readonly bus: OpenedDatabase["bus"] | null;
  readonly readHeads: OpenedDatabase["readHeads"] | null;
  readonly checks: { readonly [name: string]: ReadinessCheck };
};

/** @throws StartError in one line. */
const openData = async (
  settings: Pick<Settings, "data" | "database">,
  of: {
    readonly config: LoadedConfig;
    readonly metrics: ExposedMetrics;
    readonly logger: Logger;
    readonly onFatal: (reason: string) => void;
  },
): Promise<OpenedData> => {
  const { config, metrics, logger, onFatal } = of;
  if (settings.database !== null) {
    if (settings.database.isPasswordSeen) {
      logger.warn(
        "the command line holds the database's password, for everybody on this machine to read: give it in SYNCHRO_DATABASE, PGPASSWORD or ~/.pgpass",
      );
    }
    const collections = config.registry.storedCollections;
    const store = { collections, limits: config.limits, onCommit: metrics.observeCommit };
    const database = await openDatabase(settings.database, { store, metrics });
    const checks = { "the schema": database.isMigrated };
    return { ...database, name: settings.database.address.shown, checks };
  }
  const opened = new AsyncDisposableStack();
  try {
    const name = resolve(settings.data);
    const store = await openFolder(name, config, metrics, onFatal);
    opened.adopt(store, (it) => it.close());
    const control = await openControl({ kind: "folder", folder: name });
    opened.adopt(control, (it) => it.close());
    const all = opened.move();
    const alone = { bus: null, readHeads: null, checks: {} };
    return { store, control, name, ...alone, close: () => all.disposeAsync() };
  } finally {
    await opened.disposeAsync();
  }
};

/** What `migrateDatabase` has done: versions of the schema, equal where there was nothing to do. */
export type Migrated = { readonly data: string; readonly from: number; readonly to: number };

/**
 * Brings the database in a folder to this program's version; makes it where there is none.
 *
 * @throws StartError in one line.
 */
export const migrateDatabase = (folder: string): Migrated => {
  const data = resolve(folder);
  try {
    return { data, ...migrateData(data) };
  } catch (error) {
    throw openError(error);
  }
};

type Tokens = Awaited<ReturnType<typeof openTokens>>;

/** Keys and what is done with them; null in open mode. @throws StartError in one line. */
const openTokens = async (settings: Settings, logger: Logger) => {
  const { keys, tokenNames: names } = settings;
  if (keys === null) return null;
  const runtime = systemRuntime;
  const keyRing = await openKeyRing(keys, { runtime, logger });
  if (keyRing.current().minting === null) {
    logger.warn("no key has its private part: devices can't be given tokens here");
  }
  return {
    keyRing,
    verify: createVerifyToken({ keyRing, names, runtime }).verify,
    mintDeviceToken: createMintDeviceToken(createMintToken({ keyRing, names, runtime })),
  };
};

/** What a server is put together from, once it is open. */
type Parts = {
  readonly settings: Settings;
  readonly config: LoadedConfig;
  readonly logger: Logger;
  readonly store: Store;
  readonly control: ControlStore;
  readonly tokens: Tokens;
  readonly access: Access;
  readonly tls: TlsPair | null;
  readonly metrics: ExposedMetrics;
  readonly bus: Bus;
  readonly readHeads: OpenedDatabase["readHeads"] | null;
  readonly readiness: Readiness;
};

const openAccess = (parts: Pick<Parts, "control" | "logger" | "tokens" | "config">): Access => {
  const { control, logger, tokens, config } = parts;
  const deps = { control, logger, runtime: systemRuntime, limits: config.limits };
  return tokens === null
    ? createOpenAccess(deps)
    : createAccess({ ...deps, verify: tokens.verify });
};

/** Everything between the stores and the socket, put together by plain calls. */
const createHttp = (parts: Parts): Promise<HttpServer> => {
  const { settings, config, store, control, logger, access, tokens, tls } = parts;
  const { metrics, bus, readHeads, readiness } = parts;
  const { limits } = config;
  const draining = new AbortController();
  const { identify, authorize, quotaOf } = access;
  const services = createServices({
    store,
    runtime: systemRuntime,
    limits,
    registry: config.registry,
    metrics,
    authorize,
    identify,
    quotaOf,
    bus,
    observeFanOut: metrics.observeFanOut,
    ...(readHeads === null ? {} : { readHeads }),
    draining: draining.signal,
  });
  metrics.watchGauge("oldest_unsent_seconds", () => services.hub.oldestOwedMs() / 1000);
  const live = createLiveDoor(services, { corsOrigins: settings.corsOrigins, logger });
  return createHttpServer({
    limits,
    runtime: systemRuntime,
    logger,
    access: tokens === null ? { kind: "open" } : { kind: "tokens", identify },
    corsOrigins: settings.corsOrigins,
    tls,
    metrics,
    draining,
    drainDelayMs: settings.drainDelaySeconds * 1000,
    readiness,
    upgrades: live.upgrades,
    routes: [
      v1Routes(services),
      v2Routes(services),
      live.routes,
      adminRoutes({
        control,
        store,
        identify,
        authorize,
        runtime: systemRuntime,
        limits,
        mintDeviceToken: tokens?.mintDeviceToken ?? null,
        publicUrl: settings.publicUrl,
      }),
    ],
  });
};

/** A database that is only busy is there: were all nodes to step back then, nobody would serve. */
const unlessBusy =
  (look: () => Promise<unknown>): ReadinessCheck =>
  async () => {
    try {
      await look();
    } catch (error) {
      if (!(error instanceof StoreUnavailableError && error.reason === "busy")) throw error;
    }
    return null;
  };

const followTls = (
  files: TlsFiles | null,
  known: TlsPair | null,
  http: HttpServer,
  logger: Logger,
) =>
  files === null || known === null
    ? () => {}
    : followTlsFiles(files, { runtime: systemRuntime, logger, known, onChange: http.renewTls });

/**
 * Starts a server over the folder or the database of its settings: in open mode, or with keys for whom a token
 * vouches. `onFatal` is called, once, when the store can't vouch for its disk any more: the process
 * must end then, and answer nothing.
 *
 * @throws StartError in one line: a bad configuration, keys or a certificate that can't be used, an
 * address or a port that can't be had, a database that can't be opened.
 */
export const startServer = async (
  settings: Settings,
  onFatal: (reason: string) => void,
): Promise<RunningServer> => {
  const at = { host: listenHost(settings.host, settings.keys !== null), port: settings.port };
  const config = loadConfig(settings.config);
  const logger = createLogger(systemRuntime, settings.logLevel);
  const tls = settings.tls === null ? null : await readTlsPair(settings.tls);
  const opened = new AsyncDisposableStack();
  try {
    const tokens = await openTokens(settings, logger);
    opened.defer(() => tokens?.keyRing.stop());
    await listenAt(at, assertPortIsFree);
    const metrics = createMetrics({ process: true });
    const data = await openData(settings, { config, metrics, logger, onFatal });
    opened.defer(data.close);
    const { store, control } = data;
    const access = openAccess({ config, logger, control, tokens });
    opened.defer(access.stop);
    const bus = openBus(settings, { logger, metrics, database: data.bus });
    opened.adopt(bus, (it) => it.close());
    const readiness = createReadiness(systemRuntime, {
      // What is lost can't be read either; and the writer's loss ends the process.
      "the store": unlessBusy(() => store.describeSpace("default" as SpaceId)),
      "what servers know besides records": unlessBusy(() => control.readAccess()),
      ...data.checks,
    });
    const http = await createHttp({
      settings,
      config,
      logger,
      store,
      control,
      tokens,
      access,
      tls,
      metrics,
      bus,
      readHeads: data.readHeads,
      readiness,
    });
    opened.defer(followTls(settings.tls, tls, http, logger));
    const url = await listenAt(at, http.listen);
    logger.info({ url, data: data.name }, "listening");
    const open = opened.move();
    const stop = async (): Promise<"finished" | "cut"> => {
      const outcome = await http.stop();
      await open.disposeAsync();
      logger.info({ outcome }, "stopped");
      return outcome;
    };
    const isExposed = tokens !== null && tls === null && !isLoopback(at.host);
    return {
      url,
      data: data.name,
      hasTokens: tokens !== null,
      isExposed,
      logger,
      stop,
      force: http.force,
    };
  } finally {
    await opened.disposeAsync();
  }
};
