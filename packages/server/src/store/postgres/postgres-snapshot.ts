import type { CollectionName, Seq, SpaceId, SpaceState, Stamp, StoredRecord } from "@synchro/core";
import type { HeldSnapshot } from "../../postgres/postgres-pool.ts";
import type { Statement } from "../../postgres/statement.ts";
import { CHUNK_BYTES_MAX } from "../chunk-records.ts";
import { recordBytes } from "../record-bytes.ts";
import type { SpaceSnapshot } from "../store.ts";
import { find } from "./record-table.ts";
import type { LoadedSpace } from "./space-row.ts";
import { load } from "./space-tables.ts";

/** Rows that one statement reads at most, and bytes of values past which it reads no more. */
const READ_ROWS_MAX = 500;
const READ_BYTES_MAX = 4 * CHUNK_BYTES_MAX;

/** Keys of what is wanted, in order; values are read some at a time, in that order. */
const declareLive = (cursor: number): Statement => ({
  name: `declare_live_${cursor}`,
  text: `DECLARE live_${cursor} NO SCROLL CURSOR FOR
    SELECT key, octet_length(value) FROM synchro.records
    WHERE space = $1 AND era = $2 AND collection = $3 AND value IS NOT NULL AND stamp > $4
    ORDER BY stamp DESC, key`,
});

/** The same of what changed: the inner order makes it read that, and nothing that is merely recent. */
const declareChanged = (cursor: number): Statement => ({
  name: `declare_changed_${cursor}`,
  text: `DECLARE live_${cursor} NO SCROLL CURSOR FOR
    SELECT key, bytes FROM (
      SELECT key, stamp, octet_length(value) AS bytes FROM synchro.records
      WHERE space = $1 AND era = $2 AND collection = $3 AND value IS NOT NULL AND seq > $5
      ORDER BY seq OFFSET 0
    ) AS changed
    WHERE stamp > $4 ORDER BY stamp DESC, key`,
});

const fetchLive = (cursor: number): Statement => ({
  name: `fetch_live_${cursor}`,
  text: `FETCH ${READ_ROWS_MAX} FROM live_${cursor}`,
});

const closeLive = (cursor: number): Statement => ({
  name: `close_live_${cursor}`,
  text: `CLOSE live_${cursor}`,
});

type KeyRow = readonly [key: string, valueBytes: number];

/** Keys in parts whose values are read together. */
function* readableParts(rows: readonly KeyRow[]): Generator<readonly string[]> {
  let keys: string[] = [];
  let bytes = 0;
  for (const [key, valueBytes] of rows) {
    if (keys.length > 0 && bytes + valueBytes > READ_BYTES_MAX) {
      yield keys;
      keys = [];
      bytes = 0;
    }
    keys.push(key);
    bytes += valueBytes;
  }
  if (keys.length > 0) yield keys;
}

/** A held transaction of its own connection. What it keeps from being tidied up is the whole database's. */
export class PostgresSnapshot implements SpaceSnapshot {
  readonly state: SpaceState | null;
  readonly #held: HeldSnapshot;
  readonly #space: SpaceId;
  readonly #loaded: LoadedSpace | null;
  readonly #cursors = new Set<number>();
  #closing: Promise<void> | null = null;

  private constructor(held: HeldSnapshot, space: SpaceId, loaded: LoadedSpace | null) {
    this.#held = held;
    this.#space = space;
    this.#loaded = loaded;
    this.state = loaded?.state ?? null;
  }

  /** Takes over `held`. */
  static async open(held: HeldSnapshot, space: SpaceId): Promise<PostgresSnapshot> {
    try {
      // The moment is that of this first read.
      return new PostgresSnapshot(held, space, await load(held, space));
    } catch (error) {
      await held.close();
      throw error;
    }
  }

  async lookup(
    collection: CollectionName,
    keys: readonly string[],
  ): Promise<readonly StoredRecord[]> {
    this.#checkOpen();
    if (this.#loaded === null) return [];
    const wanted = keys.map((key) => ({ collection, key }));
    const found = await find(this.#held, this.#space, wanted);
    const byKey = new Map(found.map((record) => [record.key, record]));
    return keys.flatMap((key) => byKey.get(key) ?? []);
  }

  async *liveByStamp(
    collection: CollectionName,
    filter: { readonly afterStamp: Stamp | null; readonly afterSeq: Seq },
  ): AsyncGenerator<readonly StoredRecord[]> {
    this.#checkOpen();
    let chunk: StoredRecord[] = [];
    let bytes = 0;
    for await (const record of this.#live(collection, filter)) {
      const size = recordBytes(record);
      if (chunk.length > 0 && bytes + size > CHUNK_BYTES_MAX) {
        yield chunk;
        this.#checkOpen();
        chunk = [];
        bytes = 0;
      }
      chunk.push(record);
      bytes += size;
    }
    if (chunk.length > 0) yield chunk;
  }

  close(): Promise<void> {
    this.#closing ??= this.#held.close();
    return this.#closing;
  }

  async *#live(
    collection: CollectionName,
    { afterStamp, afterSeq }: { readonly afterStamp: Stamp | null; readonly afterSeq: Seq },
  ): AsyncGenerator<StoredRecord> {
    if (this.#loaded === null) return;
    const cursor = this.#takeCursor();
    // Below every stamp, as text.
    const bounds = [this.#space, this.#loaded.era, collection, afterStamp ?? ""];
    if (afterSeq === 0) await this.#held.read(declareLive(cursor), bounds);
    else await this.#held.read(declareChanged(cursor), [...bounds, afterSeq]);
    try {
      for (;;) {
        const rows = await this.#held.read<KeyRow>(fetchLive(cursor));
        if (rows.length === 0) return;
        for (const keys of readableParts(rows)) {
          yield* await this.lookup(collection, keys);
        }
        this.#checkOpen();
      }
    } finally {
      if (this.#closing === null) await this.#held.read(closeLive(cursor));
      this.#cursors.delete(cursor);
    }
  }

  /** The lowest number that no read in progress has: statements are prepared by name. */
  #takeCursor(): number {
    let cursor = 0;
    while (this.#cursors.has(cursor)) cursor += 1;
    this.#cursors.add(cursor);
    return cursor;
  }

  #checkOpen(): void {
    if (this.#closing !== null) throw new Error("the snapshot is closed");
  }
}
