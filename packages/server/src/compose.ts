import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Logger } from "pino";
import { type Access, createAccess } from "./access/create-access.ts";
import { createOpenAccess } from "./access/create-open-access.ts";
import { openKeyRing } from "./access/key-ring.ts";
import { createMintDeviceToken, createMintToken } from "./access/mint-token.ts";
import { createVerifyToken } from "./access/verify-token.ts";
import { adminRoutes } from "./api/admin/admin-routes.ts";
import { v1Routes } from "./api/v1/v1-routes.ts";
import { v2Routes } from "./api/v2/v2-routes.ts";
import { type LoadedConfig, loadConfig } from "./config/load-config.ts";
import type { Settings } from "./config/settings.ts";
import { StartError } from "./config/start-error.ts";
import type { AuditEntry, ControlStore } from "./control/control-store.ts";
import { controlPath, openSqliteControlStore } from "./control/sqlite/open-sqlite-control-store.ts";
import { createLogger } from "./create-logger.ts";
import { createMetrics } from "./create-metrics.ts";
import { assertPortIsFree } from "./http/assert-port-is-free.ts";
import { createHttpServer, type HttpServer } from "./http/create-http-server.ts";
import { isLoopback, listenAt, listenHost } from "./http/listen-at.ts";
import { followTlsFiles, readTlsPair, type TlsFiles, type TlsPair } from "./http/tls-files.ts";
import { createServices } from "./service/services.ts";
import type { Store } from "./store/store.ts";
import { databasePath } from "./store/sqlite/data-directory.ts";
import { migrateData, openSqliteStore } from "./store/sqlite/open-sqlite-store.ts";
import { StoreOpenError } from "./store/sqlite/store-open-error.ts";
import { systemRuntime } from "./system-runtime.ts";

export type RunningServer = {
  readonly url: string;
  /** The folder of the database, as an absolute path. */
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

/**
 * Opens what servers know besides records, which lies beside the database.
 *
 * @throws StartError in one line.
 */
export const openControl = async (folder: string): Promise<ControlStore> => {
  try {
    return await openSqliteControlStore({ dataDir: resolve(folder) });
  } catch (error) {
    throw openError(error);
  }
};

/** The same, where servers have been over the folder; null: none has. @throws StartError in one line. */
export const openControlIfThere = async (folder: string): Promise<ControlStore | null> => {
  const data = resolve(folder);
  const isThere = [databasePath(data), controlPath(data)].some((path) => existsSync(path));
  return isThere ? openControl(data) : null;
};

/** The same, where it must be there. @throws StartError in one line. */
export const openControlOf = async (folder: string): Promise<ControlStore> => {
  const control = await openControlIfThere(folder);
  if (control !== null) return control;
  throw new StartError(`there is no server's data in ${resolve(folder)}: name it with --data`);
};

/** Writes down what was done without a server, in the log of the data that it concerns, if there is any. */
export const auditAt = async (folder: string, entry: AuditEntry): Promise<void> => {
  const control = await openControlIfThere(folder);
  try {
    await control?.audit(entry);
  } finally {
    await control?.close();
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
};

const openAccess = (parts: Omit<Parts, "access" | "tls" | "settings" | "store">): Access => {
  const { control, logger, tokens, config } = parts;
  const deps = { control, logger, runtime: systemRuntime, limits: config.limits };
  return tokens === null
    ? createOpenAccess(deps)
    : createAccess({ ...deps, verify: tokens.verify });
};

/** Everything between the stores and the socket, put together by plain calls. */
const createHttp = (parts: Parts): Promise<HttpServer> => {
  const { settings, config, store, control, logger, access, tokens, tls } = parts;
  const { limits } = config;
  const metrics = createMetrics({ process: true });
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
    draining: draining.signal,
  });
  return createHttpServer({
    limits,
    runtime: systemRuntime,
    logger,
    access: tokens === null ? { kind: "open" } : { kind: "tokens", identify },
    corsOrigins: settings.corsOrigins,
    tls,
    metrics,
    draining,
    notReadyReasons: () => [],
    routes: [
      v1Routes(services),
      v2Routes(services),
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
 * Starts a server over the data in `settings.data`: in open mode, or with keys for whom a token
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
    const data = resolve(settings.data);
    const store = opened.adopt(await openStore(data, config, onFatal), (it) => it.close());
    const control = opened.adopt(await openControl(data), (it) => it.close());
    const access = openAccess({ config, logger, control, tokens });
    opened.defer(access.stop);
    const http = await createHttp({
      settings,
      config,
      logger,
      store,
      control,
      tokens,
      access,
      tls,
    });
    opened.defer(followTls(settings.tls, tls, http, logger));
    const url = await listenAt(at, http.listen);
    logger.info({ url, data }, "listening");
    const open = opened.move();
    const stop = async (): Promise<"finished" | "cut"> => {
      const outcome = await http.stop();
      await open.disposeAsync();
      logger.info({ outcome }, "stopped");
      return outcome;
    };
    const isExposed = tokens !== null && tls === null && !isLoopback(at.host);
    return { url, data, hasTokens: tokens !== null, isExposed, logger, stop, force: http.force };
  } finally {
    await opened.disposeAsync();
  }
};
