import { resolve } from "node:path";
import type { CollectionName, SpaceId } from "@synchro/core";
import { nameHint } from "./config/closest-name.ts";
import type { LoadedConfig } from "./config/load-config.ts";
import { StartError } from "./config/start-error.ts";
import { openReadOnly } from "./store/sqlite/open-read-only.ts";
import { openSqliteStore } from "./store/sqlite/open-sqlite-store.ts";
import { StoreOpenError } from "./store/sqlite/store-open-error.ts";
import type { Store } from "./store/store.ts";
import { systemRuntime } from "./system-runtime.ts";
import type { ExportSource } from "./transfer/export-source.ts";
import type { ImportTarget } from "./transfer/outgoing-change.ts";
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
export const openDataSource = (
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
 * Opens the data of a folder to import into it, as a server would; it is then nobody else's.
 *
 * @throws StartError in one line.
 */
export const openDataTarget = async (
  folder: string,
  space: SpaceId,
  config: LoadedConfig,
): Promise<ImportTarget> => {
  let fatal: string | null = null;
  let store: Store;
  try {
    store = await openSqliteStore({
      runtime: systemRuntime,
      collections: config.registry.storedCollections,
      limits: config.limits,
      dataDir: resolve(folder),
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
