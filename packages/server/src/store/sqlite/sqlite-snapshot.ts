import type { DatabaseSync } from "node:sqlite";
import type { CollectionName, Seq, SpaceId, SpaceState, Stamp, StoredRecord } from "@synchro/core";
import { chunkRecords } from "../chunk-records.ts";
import type { SpaceSnapshot } from "../store.ts";
import { RECORD_COLUMNS, recordFromRow, type RecordRow } from "./record-row.ts";
import { prepareRows } from "./row-statement.ts";
import { createSpaceLoader, type LoadedSpace } from "./space-table.ts";
import { rollBack } from "./transaction.ts";

const LIVE_BY_STAMP_SQL = `SELECT ${RECORD_COLUMNS} FROM records INDEXED BY records_by_stamp
  WHERE collection = ? AND value IS NOT NULL AND stamp > ? ORDER BY stamp DESC, key`;

/** Sorts what changed by its ids alone: the values are read one by one, in order. */
const CHANGED_BY_STAMP_SQL = `SELECT id FROM records INDEXED BY records_by_seq
  WHERE collection = ? AND value IS NOT NULL AND seq > ? AND stamp > ? ORDER BY stamp DESC, key`;

const BY_ID_SQL = `SELECT ${RECORD_COLUMNS} FROM records WHERE id = ?`;

const BY_KEY_SQL = `SELECT ${RECORD_COLUMNS} FROM records INDEXED BY records_by_key
  WHERE collection = ? AND key = ?`;

/**
 * A connection's read transaction, held. While it lasts the log can't begin anew, so it is for
 * answers that end.
 */
export class SqliteSnapshot implements SpaceSnapshot {
  readonly state: SpaceState | null;
  readonly #database: DatabaseSync;
  readonly #space: LoadedSpace | null;
  readonly #release: () => void;
  /** Statements in the middle of their rows: left so, they would hold this moment past its end. */
  readonly #reads = new Set<IteratorObject<unknown>>();
  #isClosed = false;

  /** Takes a connection that nobody else uses until `release` is called. */
  constructor(database: DatabaseSync, space: SpaceId, release: () => void) {
    this.#database = database;
    this.#release = release;
    database.exec("BEGIN");
    try {
      // The moment is that of this first read.
      this.#space = createSpaceLoader(database)(space);
    } catch (error) {
      rollBack(database);
      throw error;
    }
    this.state = this.#space?.state ?? null;
  }

  async lookup(
    collection: CollectionName,
    keys: readonly string[],
  ): Promise<readonly StoredRecord[]> {
    this.#checkOpen();
    const id = this.#space?.collectionIds.get(collection);
    if (id === undefined) return [];
    const byKey = prepareRows<RecordRow>(this.#database, BY_KEY_SQL);
    return keys.flatMap((key) => {
      const row = byKey.get(id, key);
      return row === undefined ? [] : [recordFromRow(collection, row)];
    });
  }

  async *liveByStamp(
    collection: CollectionName,
    filter: { readonly afterStamp: Stamp | null; readonly afterSeq: Seq },
  ): AsyncGenerator<readonly StoredRecord[]> {
    this.#checkOpen();
    const id = this.#space?.collectionIds.get(collection);
    if (id === undefined) return;
    for (const chunk of chunkRecords(this.#live(collection, id, filter))) {
      yield chunk;
      this.#checkOpen();
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const rows of this.#reads) rows.return?.();
    rollBack(this.#database);
    this.#release();
  }

  *#live(
    collection: CollectionName,
    id: number,
    { afterStamp, afterSeq }: { readonly afterStamp: Stamp | null; readonly afterSeq: Seq },
  ): Generator<StoredRecord> {
    // Below every stamp, as text.
    const after = afterStamp ?? "";
    if (afterSeq === 0) {
      const rows = prepareRows<RecordRow>(this.#database, LIVE_BY_STAMP_SQL);
      for (const row of this.#read(rows.iterate(id, after))) yield recordFromRow(collection, row);
      return;
    }
    const byId = prepareRows<RecordRow>(this.#database, BY_ID_SQL);
    const changed = prepareRows<[number]>(this.#database, CHANGED_BY_STAMP_SQL);
    for (const [recordId] of this.#read(changed.iterate(id, afterSeq, after))) {
      const row = byId.get(recordId);
      if (row !== undefined) yield recordFromRow(collection, row);
    }
  }

  *#read<Row>(rows: IteratorObject<Row>): Generator<Row> {
    this.#reads.add(rows);
    try {
      for (const row of rows) yield row;
    } finally {
      this.#reads.delete(rows);
    }
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new Error("the snapshot is closed");
  }
}
