import { rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { ClientStore, ClientStoreOptions, Durability } from "../client-store.ts";
import { ClientStoreError } from "../client-store-error.ts";
import { EngineStore } from "../engine-store.ts";
import type { EngineTransaction, StoreEngine } from "../store-engine.ts";
import { type FileLock, lockFile, lockPath } from "./file-lock.ts";
import { toClientStoreError } from "./sqlite-failure.ts";
import { prepareStatements, SqliteTransaction, type Statements } from "./sqlite-transaction.ts";
import { checkTables, migrateTables } from "./tables.ts";

export type NodeSqliteStoreOptions = ClientStoreOptions & {
  /** The database file; its folder must exist. Beside it lie `-wal`, `-shm` and `.lock`. */
  readonly path: string;
  /** Bytes that the file may take at most; no bound if absent. */
  readonly bytesMax?: number;
};

/** How long to wait for a tool that holds the file for a moment. */
const BUSY_MS_MAX = 5_000;
/** What a log that had to grow is cut back to, once it begins anew. */
const LOG_BYTES_KEPT = 16 * 1024 * 1024;
/** Pages of the log after which it is brought into the file, within some commit. */
const CHECKPOINT_PAGES = 4_000;
const CACHE_KIB = 16 * 1024;

const setPragmas = (database: DatabaseSync, bytesMax: number | undefined): void => {
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA fullfsync = ON;
    PRAGMA checkpoint_fullfsync = ON;
    PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
    PRAGMA journal_size_limit = ${LOG_BYTES_KEPT};
    PRAGMA cache_size = -${CACHE_KIB};
    PRAGMA temp_store = MEMORY;
    PRAGMA trusted_schema = OFF;
  `);
  if (bytesMax === undefined) return;
  const row = database.prepare("PRAGMA page_size").get();
  const pages = Math.max(1, Math.floor(bytesMax / Number(row?.["page_size"])));
  database.exec(`PRAGMA max_page_count = ${pages}`);
};

class NodeSqliteEngine implements StoreEngine {
  readonly capabilities = { isDurable: true, canShareAcrossTabs: false };
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #lock: FileLock;
  readonly #statements: Statements;
  readonly #onLost: (error: ClientStoreError) => void;
  #durability: Durability = "strict";

  constructor(
    path: string,
    { database, statements }: Opened,
    lock: FileLock,
    onLost: (error: ClientStoreError) => void,
  ) {
    this.#path = path;
    this.#database = database;
    this.#lock = lock;
    this.#statements = statements;
    this.#onLost = onLost;
  }

  begin(mode: "read" | "write", durability: Durability): EngineTransaction {
    // No writer runs beside a reader: what it reads is of one moment without a transaction.
    if (mode === "write") this.#beginWrite(durability);
    return new SqliteTransaction(this.#statements, {
      commit: () => {
        if (mode === "write") this.#database.exec("COMMIT");
      },
      abort: () => this.#rollBack(),
      toError: (error) => this.#readError(error),
    });
  }

  async close(): Promise<void> {
    this.#database.close();
    this.#lock.release();
  }

  async remove(): Promise<void> {
    for (const file of [this.#path, `${this.#path}-wal`, `${this.#path}-shm`]) {
      rmSync(file, { force: true });
    }
    rmSync(lockPath(this.#path), { force: true });
  }

  #beginWrite(durability: Durability): void {
    try {
      if (durability !== this.#durability) {
        this.#database.exec(`PRAGMA synchronous = ${durability === "strict" ? "FULL" : "NORMAL"}`);
        this.#durability = durability;
      }
      this.#database.exec("BEGIN IMMEDIATE");
    } catch (error) {
      throw this.#readError(error);
    }
  }

  /** There may be nothing left to roll back: SQLite ends a transaction itself on some errors. */
  #rollBack(): void {
    if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
  }

  #readError(error: unknown): unknown {
    const read = toClientStoreError(error, this.#path);
    if (read instanceof ClientStoreError && read.code === "lost") this.#onLost(read);
    return read;
  }
}

type Opened = { readonly database: DatabaseSync; readonly statements: Statements };

const openDatabase = (options: NodeSqliteStoreOptions): Opened => {
  const { path, bytesMax, createClientId } = options;
  const database = new DatabaseSync(path, { timeout: BUSY_MS_MAX });
  try {
    checkTables(database, path);
    setPragmas(database, bytesMax);
    migrateTables(database, createClientId);
    return { database, statements: prepareStatements(database) };
  } catch (error) {
    database.close();
    throw error;
  }
};

/**
 * A store in one SQLite file, for Node, and for this process alone.
 *
 * @throws ClientStoreError `already_open`, `newer_schema`, `foreign_file`, `damaged`, `not_writable`, `full`.
 */
export const openNodeSqliteStore = async (
  options: NodeSqliteStoreOptions,
): Promise<ClientStore> => {
  const { path, onLost } = options;
  const lock = lockFile(path);
  try {
    const opened = openDatabase(options);
    const engine = new NodeSqliteEngine(path, opened, lock, (error) => store.fail(error));
    const store = new EngineStore(engine, onLost);
    return store;
  } catch (error) {
    lock.release();
    throw toClientStoreError(error, path);
  }
};
