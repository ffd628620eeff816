import type { DatabaseSync } from "node:sqlite";
import type { SpaceId } from "@synchro/core";
import { StoreClosedError } from "../store-closed-error.ts";
import type { SpaceSnapshot } from "../store.ts";
import { SqliteSnapshot } from "./sqlite-snapshot.ts";

/** Snapshots open at a time; whoever comes next waits in line. Each holds a connection and a little memory. */
const SNAPSHOTS_MAX = 64;
/** Connections kept for the next snapshot. */
const IDLE_MAX = 8;

/** Where snapshots come from. */
export interface SnapshotSource {
  open(space: SpaceId): Promise<SpaceSnapshot>;
  /** Closes every snapshot that is open, and refuses those in line. */
  close(): Promise<void>;
}

type Waiting = { readonly begin: () => void; readonly refuse: (error: Error) => void };

/** Snapshots that each hold a connection of their own, opened when needed and used again. */
export class SnapshotPool implements SnapshotSource {
  readonly #connect: () => DatabaseSync;
  readonly #idle: DatabaseSync[] = [];
  readonly #open = new Set<SqliteSnapshot>();
  readonly #line: Waiting[] = [];
  #isClosed = false;

  constructor(connect: () => DatabaseSync) {
    this.#connect = connect;
  }

  async open(space: SpaceId): Promise<SpaceSnapshot> {
    if (this.#isClosed) throw new StoreClosedError();
    if (this.#open.size < SNAPSHOTS_MAX) return this.#begin(space);
    return new Promise((resolve, reject) => {
      this.#line.push({
        refuse: reject,
        begin: () => {
          try {
            resolve(this.#begin(space));
          } catch (error) {
            reject(error);
          }
        },
      });
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { refuse } of this.#line.splice(0)) refuse(new StoreClosedError());
    for (const snapshot of this.#open) await snapshot.close();
    for (const database of this.#idle.splice(0)) database.close();
  }

  #begin(space: SpaceId): SpaceSnapshot {
    const database = this.#idle.pop() ?? this.#connect();
    let snapshot: SqliteSnapshot | null = null;
    const release = (): void => {
      if (snapshot !== null) this.#open.delete(snapshot);
      if (this.#isClosed || this.#idle.length >= IDLE_MAX) database.close();
      else this.#idle.push(database);
      // One that can't begin leaves its place to the next.
      while (this.#open.size < SNAPSHOTS_MAX && this.#line.length > 0) this.#line.shift()?.begin();
    };
    try {
      snapshot = new SqliteSnapshot(database, space, release);
    } catch (error) {
      database.close();
      throw error;
    }
    this.#open.add(snapshot);
    return snapshot;
  }
}
