import type { ClientStore, ClientStoreOptions } from "../client-store.ts";
import { EngineStore } from "../engine-store.ts";
import type { EngineTransaction, StoreEngine } from "../store-engine.ts";
import { newStoreMeta } from "../store-meta.ts";
import { ClientDisk } from "./client-disk.ts";
import { MemoryTransaction } from "./memory-transaction.ts";

export type MemoryStoreOptions = ClientStoreOptions & {
  /** Absent: one of its own, gone with the store. */
  readonly disk?: ClientDisk;
};

class MemoryEngine implements StoreEngine {
  readonly capabilities = { isDurable: false, canShareAcrossTabs: false };
  readonly #disk: ClientDisk;

  constructor(disk: ClientDisk) {
    this.#disk = disk;
    disk.owner = this;
  }

  begin(): EngineTransaction {
    return new MemoryTransaction(this.#disk, this);
  }

  async close(): Promise<void> {}

  async remove(): Promise<void> {
    if (this.#disk.owner === this) this.#disk.clear();
  }
}

/**
 * A store that dies with its process: for tests, for the simulation (over a `ClientDisk`) and for
 * whoever wants no trace on the device.
 */
export const openMemoryStore = async ({
  createClientId,
  disk = new ClientDisk(),
}: MemoryStoreOptions): Promise<ClientStore> => {
  disk.takeBack();
  disk.meta ??= newStoreMeta(createClientId());
  return new EngineStore(new MemoryEngine(disk));
};
