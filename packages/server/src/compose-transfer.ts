import { resolve } from "node:path";
import type { CollectionName, SpaceId } from "@synchro/core";
import { defaultLimits } from "@synchro/protocol";
import { declaredOptions } from "./compose-operations.ts";
import { openPostgresForTask } from "./compose-postgres.ts";
import type { DatabaseChoice, DataPlace } from "./config/data-place.ts";
import { nameHint } from "./config/closest-name.ts";
import type { LoadedConfig } from "./config/load-config.ts";
import { StartError } from "./config/start-error.ts";
import { openReadOnly } from "./store/sqlite/open-read-only.ts";
import { openSqliteStore } from "./store/sqlite/open-sqlite-store.ts";
import { StoreOpenError } from "./store/sqlite/store-open-error.ts";
import { StoreUnavailableError } from "./store/store-unavailable-error.ts";
import type { Store } from "./store/store.ts";
import { systemRuntime } from "./system-runtime.ts";
import type { ExportSource } from "./transfer/export-source.ts";
import type { ImportTarget } from "./transfer/outgoing-change.ts";
import { openStoreSource } from "./transfer/store-source.ts";
import { createStoreTarget } from "./transfer/store-target.ts";

const FATAL_EXIT_CODE = 70;

/** A refusal of the engine is the operator's to mend; anything else is a defect. */
const openError = (error: unknown): unknown => {
  if (!(error instanceof StoreOpenError)) return error;
  return error.code === "already_open"
    ? new StartError(
        "the data is open in another process: go through it with --url, or stop it first",
      )
    : new StartError(error.message);
};

/**
 * One moment of a space in the data of a folder, also while a server has it open.
 *
 * @throws StartError in one line.
 */
export const openFolderSource = (
  folder: string,
  space: SpaceId,
  of: {
    readonly config: LoadedConfig;
    readonly collections: readonly CollectionName[];
    readonly tombstones: boolean;
  },
): ExportSource => {
  let data: ReturnType<typeof openReadOnly>;
  try {
    data = openReadOnly(resolve(folder));
  } catch (error) {
    throw openError(error);
  }
  try {
    const state = data.describe(space);
    if (state === null) {
      const spaces = data.listSpaces();
      const hint = spaces.length === 0 ? "it holds none" : nameHint(space, spaces);
      throw new StartError(`${space} is not a space of the data in ${resolve(folder)}: ${hint}`);
    }
    let live = 0;
    for (const name of of.collections) {
      const digest = state.digests.get(name);
      if (digest === undefined && of.config.registry.get(name) === undefined) {
        throw new StartError(
          `${name} is not a collection of ${space}: ${nameHint(name, [...state.digests.keys()])}`,
        );
      }
      live += digest?.count ?? 0;
    }
    return {
      total: of.tombstones ? null : live,
      read: () => data.read(space, of),
      close: data.close,
    };
  } catch (error) {
    data.close();
    throw error;
  }
};

/**
 * The records of a space in a database that servers share.
 *
 * @throws StartError in one line.
 */
export const openDatabaseSource = async (
  choice: DatabaseChoice,
  space: SpaceId,
  of: Pick<
    Parameters<typeof openStoreSource>[0],
    "collections" | "tombstones" | "signal" | "onProgress"
  >,
): Promise<ExportSource> => {
  let known: readonly CollectionName[] = [];
  const store = await openPostgresForTask(choice, (declared) => {
    known = declared;
    return declaredOptions(declared);
  });
  try {
    if ((await store.describeSpace(space)) === null) {
      const spaces = await store.listSpaces();
      const hint = spaces.length === 0 ? "it holds none" : nameHint(space, spaces);
      throw new StartError(`${space} is not a space of ${choice.address.shown}: ${hint}`);
    }
    for (const name of of.collections) {
      if (known.includes(name)) continue;
      throw new StartError(`${name} is not declared by the servers: ${nameHint(name, known)}`);
    }
    const { pageRecordsMax: recordsMax, pageBytesMax: bytesMax } = defaultLimits;
    const limits = { recordsMax, bytesMax };
    return await openStoreSource({ ...of, store, space, limits, runtime: systemRuntime });
  } catch (error) {
    throw tellUnavailable(error, choice);
  } finally {
    await store.close();
  }
};

/** What servers declare must be what is declared here: an opening that declares less shuts records away. */
const openDatabaseTarget = async (
  choice: DatabaseChoice,
  space: SpaceId,
  config: LoadedConfig,
): Promise<ImportTarget> => {
  const collections = config.registry.storedCollections;
  const store = await openPostgresForTask(choice, (declared) => {
    const names = new Set<string>(collections.keys());
    if (declared.length > 0 && names.symmetricDifference(new Set(declared)).size > 0) {
      throw new StartError(
        `the servers over ${choice.address.shown} declare ${declared.join(", ")}: give their configuration with --config`,
      );
    }
    return { collections, limits: config.limits };
  });
  return createStoreTarget({
    store,
    space,
    runtime: systemRuntime,
    failureOf: (error) => tellUnavailable(error, choice),
  });
};

const tellUnavailable = (error: unknown, { address }: DatabaseChoice): unknown =>
  error instanceof StoreUnavailableError
    ? new StartError(`${address.shown}: ${error.message}: run it again`)
    : error;

/**
 * Opens the data to import into them, as a server would. A folder is then nobody else's; a database
 * is shared with the servers over it.
 *
 * @throws StartError in one line.
 */
export const openDataTarget = async (
  place: DataPlace,
  space: SpaceId,
  config: LoadedConfig,
): Promise<ImportTarget> => {
  if (place.kind === "database") return openDatabaseTarget(place, space, config);
  let fatal: string | null = null;
  let store: Store;
  try {
    store = await openSqliteStore({
      runtime: systemRuntime,
      collections: config.registry.storedCollections,
      limits: config.limits,
      dataDir: resolve(place.folder),
      writer: "worker",
      bytesMax: null,
      onFatal: (error) => {
        fatal = `the database can't be written any more (${error.message}): check the disk`;
      },
    });
  } catch (error) {
    throw openError(error);
  }
  return createStoreTarget({
    store,
    space,
    runtime: systemRuntime,
    // What the disk holds is then unknown: no other failure comes of that.
    failureOf: (error) => (fatal === null ? error : new StartError(fatal, FATAL_EXIT_CODE)),
  });
};
