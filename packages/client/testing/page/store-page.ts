// What a page has of the store over IndexedDB: its contract suite, and what else the tests do with it.
import { describeClientStore } from "../../src/store/client-store.contract.ts";
import type { StoreHarness } from "../../src/store/client-store-harness.contract.ts";
import { openIndexedDbStore } from "../../src/store/indexeddb/open-indexeddb-store.ts";

export { collection, createClient, t } from "../../src/index.ts";
export { dump, entry, overflowing, record } from "../../src/store/client-store-harness.contract.ts";
export { openIndexedDbStore } from "../../src/store/indexeddb/open-indexeddb-store.ts";
export { expect, suite } from "./suite.ts";

let names = 0;

const ended = (request: IDBRequest): Promise<void> =>
  new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve());
    request.addEventListener("error", () => reject(request.error ?? new Error("it failed")));
  });

// oxlint-disable-next-line typescript/unbound-method -- it is put back where it was taken from
const realPut = IDBObjectStore.prototype.put;

/** The suite wants room to come and go at once, as no browser's does; real quotas have tests of their own. */
const putNothing: typeof realPut = () => {
  throw new DOMException("no room", "QuotaExceededError");
};

const createHarness = async (): Promise<StoreHarness> => {
  const name = `contract-${(names += 1)}`;
  return {
    open: (options) => openIndexedDbStore({ name, createClientId: () => "c_1", ...options }),
    setFull: (isFull) => {
      IDBObjectStore.prototype.put = isFull ? putNothing : realPut;
    },
    makeNewer: async () => {
      const request = indexedDB.open(name, 99);
      await ended(request);
      request.result.close();
    },
    cleanUp: async () => {
      IDBObjectStore.prototype.put = realPut;
      await ended(indexedDB.deleteDatabase(name));
    },
  };
};

describeClientStore("indexeddb", createHarness);
