import { resolve } from "node:path";
import type { Logger } from "pino";
import { v1Routes } from "./api/v1/v1-routes.ts";
import { v2Routes } from "./api/v2/v2-routes.ts";
import { type LoadedConfig, loadConfig } from "./config/load-config.ts";
import { USAGE_EXIT_CODE } from "./config/arguments.ts";
import type { Settings } from "./config/settings.ts";
import { StartError } from "./config/start-error.ts";
import { createLogger } from "./create-logger.ts";
import { createMetrics } from "./create-metrics.ts";
import { assertPortIsFree } from "./http/assert-port-is-free.ts";
import { createHttpServer, type HttpServer } from "./http/create-http-server.ts";
import { openModeAddress } from "./http/open-mode.ts";
import { authorizeAnybody } from "./service/authorize.ts";
import { createServices } from "./service/services.ts";
import type { Store } from "./store/store.ts";
import { migrateData, openSqliteStore } from "./store/sqlite/open-sqlite-store.ts";
import { StoreOpenError } from "./store/sqlite/store-open-error.ts";
import { systemRuntime } from "./system-runtime.ts";

export type RunningServer = {
  readonly url: string;
  /** The folder of the database, as an absolute path. */
  readonly data: string;
  readonly logger: Logger;
  /** Finishes what has begun and closes the store; `cut` where a request was not finished. */
  readonly stop: () => Promise<"finished" | "cut">;
  /** During a stop: cuts what is left. */
  readonly force: () => void;
};

const addressOf = (host: string): string => {
  const address = openModeAddress(host);
  if (address !== null) return address;
  throw new StartError(
    `--host must be loopback (127.0.0.1, ::1 or localhost), not ${JSON.stringify(host)}: in open mode whoever reaches the server may read and write everything`,
    USAGE_EXIT_CODE,
  );
};

const listenError = (
  error: unknown,
  at: { readonly host: string; readonly port: number },
): unknown => {
  const code = error instanceof Error && "code" in error ? error.code : null;
  switch (code) {
    case "EADDRINUSE":
      return new StartError(
        `Port ${at.port} is already in use on ${at.host}: stop the other program or choose one with --port`,
      );
    case "EACCES":
      return new StartError(
        `Port ${at.port} may not be opened by this user: choose one above 1023 with --port`,
      );
    case "EADDRNOTAVAIL":
      return new StartError(`${at.host} is not an address of this machine: choose one with --host`);
    default:
      return error;
  }
};

const listenAt = async <T>(
  at: { readonly host: string; readonly port: number },
  listen: (at: { readonly host: string; readonly port: number }) => Promise<T>,
): Promise<T> => {
  try {
    return await listen(at);
  } catch (error) {
    throw listenError(error, at);
  }
};

/** A refusal of the engine is the operator's to mend; anything else is a defect. */
const openError = (error: unknown): unknown =>
  error instanceof StoreOpenError ? new StartError(error.message) : error;

const openStore = async (
  data: string,
  config: LoadedConfig,
  onFatal: (reason: string) => void,
): Promise<Store> => {
  try {
    return await openSqliteStore({
      runtime: systemRuntime,
      collections: config.registry.storedCollections,
      limits: config.limits,
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

/** Everything between the store and the socket, put together by plain calls. */
const createHttp = (
  settings: Settings,
  config: LoadedConfig,
  store: Store,
  logger: Logger,
): Promise<HttpServer> => {
  const metrics = createMetrics({ process: true });
  const draining = new AbortController();
  const services = createServices({
    store,
    runtime: systemRuntime,
    limits: config.limits,
    registry: config.registry,
    metrics,
    authorize: authorizeAnybody,
    draining: draining.signal,
  });
  return createHttpServer({
    limits: config.limits,
    runtime: systemRuntime,
    logger,
    openMode: { corsOrigins: settings.corsOrigins },
    metrics,
    draining,
    notReadyReasons: () => [],
    routes: [v1Routes(services), v2Routes(services)],
  });
};

/**
 * Starts a server in open mode over the database in `settings.data`. `onFatal` is called, once, when
 * the store can't vouch for its disk any more: the process must end then, and answer nothing.
 *
 * @throws StartError in one line: a bad configuration, an address or a port that can't be had, a
 * database that can't be opened.
 */
export const startServer = async (
  settings: Settings,
  onFatal: (reason: string) => void,
): Promise<RunningServer> => {
  const at = { host: addressOf(settings.host), port: settings.port };
  const config = loadConfig(settings.config);
  const logger = createLogger(systemRuntime, settings.logLevel);
  await listenAt(at, assertPortIsFree);
  const data = resolve(settings.data);
  const store = await openStore(data, config, onFatal);
  try {
    const http = await createHttp(settings, config, store, logger);
    const url = await listenAt(at, http.listen);
    logger.info({ url, data }, "listening");
    const stop = async (): Promise<"finished" | "cut"> => {
      const outcome = await http.stop();
      await store.close();
      logger.info({ outcome }, "stopped");
      return outcome;
    };
    return { url, data, logger, stop, force: http.force };
  } catch (error) {
    await store.close();
    throw error;
  }
};
