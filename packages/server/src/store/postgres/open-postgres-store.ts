import type { PostgresPool } from "../../postgres/postgres-pool.ts";
import type { StoreOptions } from "../store.ts";
import { commitGroup } from "./commit-group.ts";
import { declareCollections } from "./declare-collections.ts";
import { removeErased } from "./erase-space.ts";
import { PostgresStore } from "./postgres-store.ts";
import { type Replica, ReplicaReads } from "./replica-reads.ts";
import { defaultPushQueueLimits, PushQueue, type PushQueueLimits } from "./push-queue.ts";

export type PostgresStoreOptions = StoreOptions & {
  /** For everything that is over soon. The store closes both. */
  readonly pool: PostgresPool;
  /** For reads that hold a moment. */
  readonly snapshots: PostgresPool;
  /** They answer pulls as far as they have come. The store closes their pools too. */
  readonly replicas?: readonly Replica[];
  readonly queueLimits?: PushQueueLimits;
};

/**
 * Opens the records in a database whose schema is this program's. Any number of nodes may have it
 * open. Where one is opened with other collections than the last opening of any, what it declares
 * holds for pulls and purges of all of them from then on: see `declareCollections`.
 */
export const openPostgresStore = async (options: PostgresStoreOptions): Promise<PostgresStore> => {
  const { pool, snapshots, runtime, collections, limits, onCommit = () => {} } = options;
  const declared = [...collections.keys()].toSorted();
  const epoch = await declareCollections(pool, { declared, runtime });
  const context = { collections, limits, sha256: runtime.sha256, onCommit };
  const queue = new PushQueue(
    (space, pushes) => commitGroup(pool, space, pushes, context),
    runtime.soon,
    options.queueLimits ?? defaultPushQueueLimits,
  );
  const replicas = new ReplicaReads(options.replicas ?? [], pool, runtime);
  const store = new PostgresStore({ options, epoch, pool, snapshots, queue, replicas });
  // What a kill left of an erasure goes now, beside the work. If it can't, a later opening tries again.
  removeErased(pool, null).catch(() => {});
  return store;
};
