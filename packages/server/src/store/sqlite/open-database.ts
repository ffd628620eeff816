import { DatabaseSync } from "node:sqlite";

/** How long to wait for a tool that holds the file for a moment; our own connections never wait for each other. */
const BUSY_MS_MAX = 5_000;
/** What a log that had to grow is cut back to, once it begins anew. */
const LOG_BYTES_KEPT = 64 * 1024 * 1024;
/** Pages that a large push touches, and the upper ones of the indexes; twice as much makes no push faster. */
const WRITER_CACHE_KIB = 32 * 1024;

/** A connection that may write, and has not touched the file yet: whose it is must be looked at first. */
export const connectWriter = (path: string): DatabaseSync =>
  new DatabaseSync(path, { timeout: BUSY_MS_MAX, enableForeignKeyConstraints: false });

/** A connection that may write, to a file that is known to be ours. */
export const openWriter = (path: string, bytesMax: number | null): DatabaseSync => {
  const database = connectWriter(path);
  setWriterPragmas(database, bytesMax);
  return database;
};

/**
 * Durability and bounds. FULL: a commit returns after its log is synced. The log is brought into
 * the file by the writer itself, after it has answered, and not within some commit.
 */
export const setWriterPragmas = (database: DatabaseSync, bytesMax: number | null): void => {
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA fullfsync = ON;
    PRAGMA checkpoint_fullfsync = ON;
    PRAGMA wal_autocheckpoint = 0;
    PRAGMA journal_size_limit = ${LOG_BYTES_KEPT};
    PRAGMA cache_size = -${WRITER_CACHE_KIB};
    PRAGMA temp_store = MEMORY;
    PRAGMA trusted_schema = OFF;
  `);
  if (bytesMax === null) return;
  const row = database.prepare("PRAGMA page_size").get();
  const pages = Math.max(1, Math.floor(bytesMax / Number(row?.["page_size"])));
  database.exec(`PRAGMA max_page_count = ${pages}`);
};

/** A connection that only reads. `cacheKib`: memory that it may keep. */
export const openReader = (path: string, cacheKib: number): DatabaseSync => {
  const database = new DatabaseSync(path, {
    readOnly: true,
    timeout: BUSY_MS_MAX,
    enableForeignKeyConstraints: false,
  });
  database.exec(`PRAGMA cache_size = -${cacheKib}; PRAGMA trusted_schema = OFF`);
  return database;
};
