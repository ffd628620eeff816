export {
  type IndexedDbStoreOptions,
  openIndexedDbStore,
} from "./store/indexeddb/open-indexeddb-store.ts";
