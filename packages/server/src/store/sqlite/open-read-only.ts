import { existsSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import type { CollectionName, SpaceId, SpaceState, StoredRecord } from "@synchro/core";
import { databasePath } from "./data-directory.ts";
import { createFeedReader } from "./feed-reader.ts";
import { openReader } from "./open-database.ts";
import { checkDatabase } from "./prepare-database.ts";
import { SCHEMA_VERSION } from "./schema.ts";
import { createSpaceLister, createSpaceLoader } from "./space-table.ts";
import { StoreOpenError, toOpenError } from "./store-open-error.ts";
import { rollBack } from "./transaction.ts";

const CACHE_KIB = 32 * 1024;

/** One moment of all the data in a directory, read beside whoever may be writing it. */
export type ReadOnlyData = {
  readonly listSpaces: () => readonly SpaceId[];
  /** Null if the space does not exist. */
  readonly describe: (space: SpaceId) => SpaceState | null;
  /** The records of collections, declared or not, by ascending seq, one row at a time. */
  readonly read: (
    space: SpaceId,
    of: { readonly collections: readonly CollectionName[]; readonly tombstones: boolean },
  ) => Iterable<StoredRecord>;
  /** While it is open the log of whoever writes can only grow. */
  readonly close: () => void;
};

/**
 * Opens the data in a directory without the lock and without a write. The moment is that of the
 * opening.
 *
 * @throws StoreOpenError if there is none, or none that this program reads.
 */
export const openReadOnly = (dataDir: string): ReadOnlyData => {
  const path = databasePath(dataDir);
  if (!existsSync(path)) {
    throw new StoreOpenError(
      "absent",
      `there is no database in ${dataDir}: name its folder with --data`,
    );
  }
  let opened: DatabaseSync | null = null;
  try {
    const database = openReader(path, CACHE_KIB);
    opened = database;
    database.exec("BEGIN");
    checkDatabase(database, path);
    const version = Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
    if (version < SCHEMA_VERSION) {
      throw new StoreOpenError(
        "older_schema",
        `${path} is of an older Synchro (schema ${version}; this one reads ${SCHEMA_VERSION}): run synchro migrate`,
      );
    }
    const load = createSpaceLoader(database);
    const list = createSpaceLister(database);
    return {
      listSpaces: list,
      describe: (space) => load(space)?.state ?? null,
      read: (space, { collections, tombstones }) => {
        const ids = load(space)?.collectionIds;
        const tombstonesAfter = tombstones ? 0 : Number.MAX_SAFE_INTEGER;
        const found = collections.flatMap((name) => {
          const id = ids?.get(name);
          return id === undefined ? [] : [[name, id] as const];
        });
        // A reader of its own: its statements are busy until the iteration ends.
        return createFeedReader(database)(
          { reset: null, after: 0, tombstonesAfter, start: null },
          found,
        );
      },
      close: () => {
        rollBack(database);
        database.close();
      },
    };
  } catch (error) {
    opened?.close();
    throw toOpenError(error, path);
  }
};
