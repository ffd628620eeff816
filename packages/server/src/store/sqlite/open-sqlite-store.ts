import type { DatabaseSync } from "node:sqlite";
import { drawEpoch, type Epoch, type Runtime, type Stamp } from "@synchro/core";
import type { Store, StoreOptions } from "../store.ts";
import { CommitQueue } from "./commit-queue.ts";
import { databasePath, ensureDataDirectory } from "./data-directory.ts";
import { type DataLock, lockData } from "./data-lock.ts";
import { declareCollections } from "./declare-collections.ts";
import { InlineWriter } from "./inline-writer.ts";
import { assertNotMoved } from "./moved-mark.ts";
import { connectWriter, openReader, setWriterPragmas } from "./open-database.ts";
import { checkDatabase, migrateDatabase, type Migration } from "./prepare-database.ts";
import { SnapshotCopies } from "./snapshot-copies.ts";
import { SnapshotPool } from "./snapshot-pool.ts";
import { createSpaceCache, createSpaceNoCache } from "./space-cache.ts";
import { createSpaceReader } from "./space-reader.ts";
import { SqliteStore } from "./sqlite-store.ts";
import { holdsErased } from "./upkeep-writer.ts";
import { toOpenError } from "./store-open-error.ts";
import { rollBack } from "./transaction.ts";
import { WorkerWriter } from "./worker-writer.ts";
import { WriterCore } from "./writer-core.ts";
import type { Writer } from "./write-request.ts";

/** For the way down the indexes: the feed itself is read once, in order, and gains nothing by more. */
const READER_CACHE_KIB = 8 * 1024;
const SNAPSHOT_CACHE_KIB = 512;

export type SqliteOptions = StoreOptions & {
  /** Made where there is none. It holds the database, its log and a lock. */
  readonly dataDir: string;
  /** In which thread the file is written: see `docs/decisions/0003-writer-thread.md`. */
  readonly writer: "worker" | "inline";
  /** Bytes that the database file may grow to (its log comes in addition); null: as the disk has. */
  readonly bytesMax: number | null;
  /**
   * Called once if a sync failed or the writer is gone. What the disk holds is then unknown, every
   * later write is refused, and the process should end.
   */
  readonly onFatal: (error: Error) => void;
};

/** Opens the data in a directory, or throws `StoreOpenError`. Migrates it first if it is older than the program. */
export const openSqliteStore = async (options: SqliteOptions): Promise<Store> => {
  const { collections, runtime, onFatal } = options;
  const epoch = drawEpoch(runtime);
  const { lock, path, database } = openData(options.dataDir, options.bytesMax);
  let writer: Writer | null = null;
  try {
    declareCollections(database, { declared: collections.keys(), epoch, ...openingOf(runtime) });
    const hasErased = holdsErased(database);
    // A thread may be lost while nothing is asked of it: then nobody but the queue can be told.
    let queue: CommitQueue | null = null;
    writer = await openWriterOf(options, { path, database, epoch }, (error) => queue?.fail(error));
    const commits = new CommitQueue(writer, runtime.soon, onFatal, options.onCommit);
    queue = commits;
    const reading = openReader(path, READER_CACHE_KIB);
    const spaces = createSpaceCache(reading, () => commits.settledGroups);
    const writing = writer;
    const store = new SqliteStore({
      options,
      isDurable: true,
      epoch,
      queue: commits,
      reader: createSpaceReader(reading, spaces),
      snapshots: new SnapshotPool(() => openReader(path, SNAPSHOT_CACHE_KIB)),
      letGo: async () => {
        reading.close();
        // The last connection to go brings the log into the file.
        await writing.close();
        lock.release();
      },
    });
    // What a kill left of an erasure goes now, beside the work. If it can't, a later opening tries again.
    if (hasErased) store.removeErased().catch(() => {});
    return store;
  } catch (error) {
    await writer?.close();
    if (database.isOpen) database.close();
    lock.release();
    throw toOpenError(error, path);
  }
};

/**
 * Opens a store over a connection that is the caller's, such as one to `:memory:`: it writes and
 * reads there, on this thread, and `close` leaves it open. A store that was abandoned in the middle
 * of things can be followed by another over the same connection, as after a kill.
 */
export const openSqliteStoreOver = (
  database: DatabaseSync,
  options: StoreOptions & Pick<SqliteOptions, "bytesMax" | "onFatal">,
): Store => {
  const { collections, runtime, onFatal } = options;
  const epoch = drawEpoch(runtime);
  rollBack(database);
  checkDatabase(database, "the database");
  setWriterPragmas(database, options.bytesMax);
  migrateDatabase(database);
  declareCollections(database, { declared: collections.keys(), epoch, ...openingOf(runtime) });
  const writer = new InlineWriter(createCore(database, options, epoch), runtime.soon, () => {});
  return new SqliteStore({
    options,
    isDurable: false,
    epoch,
    queue: new CommitQueue(writer, runtime.soon, onFatal, options.onCommit),
    reader: createSpaceReader(database, createSpaceNoCache(database)),
    snapshots: new SnapshotCopies(database),
    letGo: () => writer.close(),
  });
};

/** Brings the data in a directory to this program's version without opening it for work, or throws `StoreOpenError`. */
export const migrateData = (dataDir: string): Migration => {
  const { lock, database, migration } = openData(dataDir, null);
  database.close();
  lock.release();
  return migration;
};

type OpenedData = {
  readonly lock: DataLock;
  readonly path: string;
  readonly database: DatabaseSync;
  readonly migration: Migration;
};

/** Takes the lock, looks before it touches anything, and migrates. */
const openData = (dataDir: string, bytesMax: number | null): OpenedData => {
  const path = databasePath(dataDir);
  let lock: DataLock | null = null;
  let database: DatabaseSync | null = null;
  try {
    ensureDataDirectory(dataDir);
    assertNotMoved(dataDir);
    lock = lockData(dataDir);
    database = connectWriter(path);
    checkDatabase(database, path);
    setWriterPragmas(database, bytesMax);
    return { lock, path, database, migration: migrateDatabase(database) };
  } catch (error) {
    database?.close();
    lock?.release();
    throw toOpenError(error, database === null ? dataDir : path);
  }
};

const openingOf = (
  runtime: Runtime,
): { readonly now: Stamp; readonly sha256: Runtime["sha256"] } => ({
  now: runtime.now(),
  sha256: runtime.sha256,
});

const createCore = (database: DatabaseSync, options: StoreOptions, epoch: Epoch): WriterCore => {
  const { collections, limits, runtime } = options;
  return new WriterCore(database, { epoch, collections, limits, sha256: runtime.sha256 });
};

/** A writer on the connection that opened the data, or on a thread's own; then that one is closed. */
const openWriterOf = async (
  options: SqliteOptions,
  opened: { readonly path: string; readonly database: DatabaseSync; readonly epoch: Epoch },
  onLost: (error: unknown) => void,
): Promise<Writer> => {
  const { path, database, epoch } = opened;
  if (options.writer === "inline") {
    const core = createCore(database, options, epoch);
    return new InlineWriter(core, options.runtime.soon, () => database.close());
  }
  const { bytesMax, limits } = options;
  // What a writer needs of a declaration can cross to its thread; a caller's may hold functions.
  const collections = new Map(
    [...options.collections].map(([name, { merge, keepsHistory }]) => [
      name,
      { merge, keepsHistory },
    ]),
  );
  const writer = await WorkerWriter.start({ path, bytesMax, epoch, collections, limits }, onLost);
  database.close();
  return writer;
};
