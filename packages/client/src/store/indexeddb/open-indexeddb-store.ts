import type { ClientStore, ClientStoreOptions, Durability } from "../client-store.ts";
import { ClientStoreError } from "../client-store-error.ts";
import { EngineStore } from "../engine-store.ts";
import type { EngineTransaction, StoreEngine } from "../store-engine.ts";
import { areaNames, openAreas, readDomError, resultOf } from "./database.ts";
import { IndexedDbTransaction } from "./indexeddb-transaction.ts";

export type IndexedDbStoreOptions = ClientStoreOptions & {
  /** The database's name within the origin: one a space and user, or whatever is never to be mixed. */
  readonly name: string;
};

class IndexedDbEngine implements StoreEngine {
  readonly capabilities = { isDurable: true, canShareAcrossTabs: true };
  readonly #name: string;
  readonly #database: IDBDatabase;
  readonly #lose: (message: string, cause?: unknown) => ClientStoreError;

  constructor(
    name: string,
    database: IDBDatabase,
    lose: (message: string, cause?: unknown) => ClientStoreError,
  ) {
    this.#name = name;
    this.#database = database;
    this.#lose = lose;
  }

  begin(mode: "read" | "write", durability: Durability): EngineTransaction {
    const isWrite = mode === "write";
    return new IndexedDbTransaction(this.#beginIn(isWrite, durability), isWrite, (error) =>
      readDomError(error, this.#name),
    );
  }

  #beginIn(isWrite: boolean, durability: Durability): IDBTransaction {
    try {
      return this.#database.transaction(
        areaNames,
        isWrite ? "readwrite" : "readonly",
        isWrite ? { durability } : {},
      );
    } catch (error) {
      // The connection is closed, and not by us: the browser may tell of it later, or never.
      throw this.#lose(`the browser closed ${this.#name}: its data may have been evicted`, error);
    }
  }

  async close(): Promise<void> {
    this.#database.close();
  }

  async remove(): Promise<void> {
    await resultOf(indexedDB.deleteDatabase(this.#name));
  }
}

/**
 * A store in the browser, which all tabs of the origin may have open at once: their transactions are
 * serialised by the browser.
 *
 * @throws ClientStoreError `newer_schema`, `foreign_file`, `full`.
 */
export const openIndexedDbStore = async ({
  name,
  createClientId,
  onLost,
}: IndexedDbStoreOptions): Promise<ClientStore> => {
  let store: EngineStore | null = null;
  const lose = (message: string, cause?: unknown): ClientStoreError => {
    const error = new ClientStoreError("lost", message, { cause });
    store?.fail(error);
    return error;
  };
  try {
    const database = await openAreas(name, createClientId, {
      onYielded: () => void lose(`${name} was upgraded or deleted in another tab: reload the page`),
      onTerminated: () => void lose(`the browser closed ${name}: its data may have been evicted`),
    });
    store = new EngineStore(new IndexedDbEngine(name, database, lose), onLost);
    return store;
  } catch (error) {
    throw readDomError(error, name);
  }
};
