export {
  type NodeSqliteStoreOptions,
  openNodeSqliteStore,
} from "./store/node-sqlite/open-node-sqlite-store.ts";
