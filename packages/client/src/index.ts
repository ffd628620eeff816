export { InvalidValueError, UnsentWorkError, WriteRefusedError } from "./client/client-error.ts";
export type { CollectionHandle, Write } from "./client/collection-handle.ts";
export {
  type Client,
  type ClientOptions,
  type ClientTools,
  type Collections,
  createClient,
} from "./client/create-client.ts";
export type { OpenStore } from "./client/client-core.ts";
export type { Observable, Unsubscribe } from "./client/observable.ts";
export type { Outbox, OutboxItem } from "./client/outbox-handle.ts";
export type { Synced } from "./client/pending-writes.ts";
export type { Status, Storage } from "./client/status.ts";
export {
  type Collection,
  type CollectionOptions,
  collection,
  type RowOf,
  type ServerCollection,
  toServerCollection,
  type Upgrade,
} from "./collection/collection.ts";
export type { Fault, Field, Fields } from "./collection/field.ts";
export { t } from "./collection/t.ts";
export type { RowQuery } from "./query/row-query.ts";
export type { Comparison, Condition, Where } from "./query/where.ts";
export type { ClientRuntime } from "./runtime/client-runtime.ts";
export type { ClientStore, ClientStoreOptions } from "./store/client-store.ts";
export { ClientStoreError, type ClientStoreCode } from "./store/client-store-error.ts";
export type { Obstacle, SyncState } from "./sync/sync-state.ts";
export type { SocketMaker } from "./transport/open-socket.ts";
export type { GetToken, Transport } from "./transport/transport.ts";
