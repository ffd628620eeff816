import { DatabaseSync } from "node:sqlite";
import type { SpaceId } from "@synchro/core";
import { StoreClosedError } from "../store-closed-error.ts";
import type { SpaceSnapshot } from "../store.ts";
import type { SnapshotSource } from "./snapshot-pool.ts";
import { SqliteSnapshot } from "./sqlite-snapshot.ts";

/** Names of databases in memory are the process's own. */
let copies = 0;

/**
 * Snapshots of a database in memory, which has one connection and so can't hold a moment while
 * writes go on: each is a copy of the whole. For small data, such as a simulation's.
 */
export class SnapshotCopies implements SnapshotSource {
  readonly #database: DatabaseSync;
  readonly #open = new Set<SqliteSnapshot>();
  #isClosed = false;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  async open(space: SpaceId): Promise<SpaceSnapshot> {
    if (this.#isClosed) throw new StoreClosedError();
    copies += 1;
    const uri = `file:synchro-snapshot-${copies}?mode=memory&cache=shared`;
    const copy = new DatabaseSync(uri);
    this.#database.exec(`VACUUM INTO '${uri}'`);
    const snapshot: SqliteSnapshot = new SqliteSnapshot(copy, space, () => {
      this.#open.delete(snapshot);
      copy.close();
    });
    this.#open.add(snapshot);
    return snapshot;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const snapshot of this.#open) await snapshot.close();
  }
}
