import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { type CollectionName, drawEpoch } from "@synchro/core";
import { defaultLimits } from "@synchro/protocol";
import { openPostgresForTask } from "./compose-postgres.ts";
import type { DataPlace } from "./config/data-place.ts";
import { StartError } from "./config/start-error.ts";
import { controlSchema } from "./control/sqlite/control-schema.ts";
import type { BackupEngine, DataFacts, Lives } from "./operations/backup-engine.ts";
import { beginLives, settleData } from "./store/sqlite/begin-lives.ts";
import { checkFile, openStill } from "./store/sqlite/check-file.ts";
import { copyDatabase } from "./store/sqlite/copy-database.ts";
import { databasePath, ensureDataDirectory } from "./store/sqlite/data-directory.ts";
import { lockData } from "./store/sqlite/data-lock.ts";
import {
  type Examination,
  examineData,
  examineFile,
  readDeclared,
} from "./store/sqlite/examine-data.ts";
import { inspectData } from "./store/sqlite/inspect-data.ts";
import { connectWriter, openReader } from "./store/sqlite/open-database.ts";
import { openSqliteStore } from "./store/sqlite/open-sqlite-store.ts";
import { recordSchema } from "./store/sqlite/schema.ts";
import { StoreOpenError, toOpenError } from "./store/sqlite/store-open-error.ts";
import type { Store, StoreOptions } from "./store/store.ts";
import { systemRuntime } from "./system-runtime.ts";

const CACHE_KIB = 32 * 1024;

/** A refusal of the engine is the operator's to mend; anything else is a defect. */
const tell = (error: unknown): unknown =>
  error instanceof StoreOpenError ? new StartError(error.message) : error;

const telling = <Result>(work: () => Result): Result => {
  try {
    return work();
  } catch (error) {
    throw tell(error);
  }
};

/** The same for reads of a file that may be anything. */
const tellingOf = <Result>(path: string, work: () => Result): Result =>
  telling(() => {
    try {
      return work();
    } catch (error) {
      throw toOpenError(error, path);
    }
  });

const inspectStill = (path: string): DataFacts => {
  const database = openStill(path);
  try {
    return inspectData(database);
  } finally {
    database.close();
  }
};

/** Brings a log into its file, where the file can be read. */
const settleFile = (path: string): Lives | null => {
  if (!existsSync(path)) return null;
  try {
    // First without a word to the log: SQLite takes away one that lies beside what it can't read.
    const still = openStill(path);
    try {
      still.prepare("SELECT count(*) FROM sqlite_schema").get();
    } finally {
      still.close();
    }
    if (path.endsWith(recordsName)) return settleData(path);
    const database = connectWriter(path);
    try {
      database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    } finally {
      database.close();
    }
    return new Map();
  } catch {
    // Damaged, or of a newer program: it is kept as it is, log and all.
    return null;
  }
};

const recordsName = "synchro.db";

/** How backups are made of the embedded store and of what a server knows besides records. */
export const backupEngine: BackupEngine = {
  files: [
    {
      name: recordsName,
      isRequired: true,
      check: (path) => telling(() => checkFile(path, recordSchema)),
    },
    {
      name: "control.db",
      isRequired: false,
      check: (path) => telling(() => checkFile(path, controlSchema)),
    },
  ],
  copy: async (from, to, onProgress) => {
    try {
      await copyDatabase(from, to, onProgress);
    } catch (error) {
      throw tell(error);
    }
  },
  inspect: (path) => tellingOf(path, () => inspectStill(path)),
  lock: (folder) => telling(() => lockData(folder)),
  ensureFolder: (folder) => telling(() => ensureDataDirectory(folder)),
  settle: settleFile,
  beginLives: (path, of) =>
    telling(() => beginLives(path, { ...of, drawn: drawEpoch(systemRuntime) })),
};

/** Runs `look` on a connection that only reads, also while a server writes. @throws StartError */
const lookingAt = <Result>(
  folder: string,
  look: (database: ReturnType<typeof openReader>, path: string) => Result,
): Result => {
  const path = databasePath(resolve(folder));
  if (!existsSync(path)) {
    throw new StartError(`there is no database in ${folder}: name its folder with --data`);
  }
  return tellingOf(path, () => {
    const database = openReader(path, CACHE_KIB);
    try {
      examineFile(database, path);
      return look(database, path);
    } finally {
      database.close();
    }
  });
};

/** What the data in a folder hold, also while a server has them open. @throws StartError in one line. */
export const inspectFolder = (folder: string): DataFacts => lookingAt(folder, inspectData);

/** Looks the records in a folder over, also while a server has them open. @throws StartError in one line. */
export const examineFolder = (
  folder: string,
  options: { readonly deep: boolean },
): readonly Examination[] =>
  lookingAt(folder, (database) =>
    examineData(database, {
      deep: options.deep,
      sha256: systemRuntime.sha256,
      now: systemRuntime.now(),
    }),
  );

/** Whether there is a `control.db` in a folder; if there is one it is whole. Also while a server has it open. @throws StartError */
export const examineControl = (folder: string): boolean => {
  const path = join(resolve(folder), "control.db");
  if (!existsSync(path)) return false;
  return tellingOf(path, () => {
    const database = openReader(path, CACHE_KIB);
    try {
      examineFile(database, path, controlSchema);
      const found = database.prepare("PRAGMA integrity_check(1)").get()?.["integrity_check"];
      if (found !== "ok") throw new StartError(`${path} is damaged: ${String(found)}`);
      return true;
    } finally {
      database.close();
    }
  });
};

/** How records are opened by those who push nothing, and declare what is declared. */
export const declaredOptions = (
  declared: readonly CollectionName[],
): Pick<StoreOptions, "collections" | "limits"> => ({
  collections: new Map(
    declared.map((name) => [name, { merge: "last-write", keepsHistory: false }]),
  ),
  limits: defaultLimits,
});

/**
 * Opens the data for a task that pushes nothing: whatever is declared stays so. A folder is then
 * nobody else's; a database is shared with the servers over it.
 *
 * @throws StartError in one line.
 */
export const openForUpkeep = async (place: DataPlace): Promise<Store> => {
  if (place.kind === "database") return openPostgresForTask(place, declaredOptions);
  const { folder } = place;
  const declared = lookingAt(folder, readDeclared);
  try {
    return await openSqliteStore({
      ...declaredOptions(declared),
      runtime: systemRuntime,
      dataDir: resolve(folder),
      writer: "inline",
      bytesMax: null,
      // The call that met it is refused, and ends the program.
      onFatal: () => {},
    });
  } catch (error) {
    throw tell(error);
  }
};
