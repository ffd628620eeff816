import type { DatabaseSync } from "node:sqlite";
import {
  type CollectionName,
  type Epoch,
  laterStamp,
  lifeOfSpace,
  listEpoch,
  type Seq,
  type SpaceId,
  type Stamp,
  STAMP_MIN,
} from "@synchro/core";
import { cutoffOfErasure } from "../cutoff-of-erasure.ts";
import type { GroupSpaces } from "./group-spaces.ts";
import { prepareRows, type RowStatement } from "./row-statement.ts";
import { createSpaceLister } from "./space-table.ts";
import type { PurgePlace, PurgeStep } from "./write-request.ts";

/** Tombstones that one step of a purge looks at, and rows that one step of an erasure removes. */
export const STEP_ROWS_MAX = 1_000;

/** The collection of what was erased: no space has this integer. */
const NOBODY = 0;

const ORPHAN_SQL = `SELECT id FROM collections WHERE space = ${NOBODY} LIMIT 1`;

/** Whether an erasure was cut off: rows that nobody can read are still on the disk. */
export const holdsErased = (database: DatabaseSync): boolean =>
  database.prepare(ORPHAN_SQL).get() !== undefined;

type TombstoneRow = [id: number, seq: Seq, stamp: Stamp, buriedAt: Stamp | null];

type Run = { readonly run: (...values: (string | number | null)[]) => unknown };

/** What a purge has found so far. */
type Purged = { count: number; seqMax: Seq; latest: Stamp };

/** Tables whose rows belong to a collection, and the index by which those are found. */
const ownedTables = [
  ["records", "records_by_key"],
  ["history", "history_by_seq"],
  ["evidence", "evidence_by_collection"],
] as const;

/**
 * What is done to a space besides pushes, within a transaction that the caller holds. Each step is
 * bounded, and whatever was committed of a longer task is a state like any other.
 */
export class UpkeepWriter {
  readonly #listSpaces: () => readonly SpaceId[];
  readonly #tombstones: RowStatement<TombstoneRow>;
  readonly #deleteRecord: Run;
  readonly #orphan: Run;
  readonly #dropRejections: Run;
  readonly #dropCollection: Run;
  readonly #orphans: RowStatement<[id: number]>;
  readonly #newestStamp: RowStatement<[Stamp | null]>;
  readonly #lastTombstone: RowStatement<[Stamp, Stamp | null]>;
  readonly #hasRejections: RowStatement<[number]>;
  readonly #removals: readonly { readonly run: (id: number, limit: number) => number }[];

  constructor(database: DatabaseSync) {
    this.#listSpaces = createSpaceLister(database);
    this.#tombstones = prepareRows<TombstoneRow>(
      database,
      `SELECT id, seq, stamp, buried_at FROM records INDEXED BY tombstones_by_seq
       WHERE collection = ? AND value IS NULL AND seq > ? ORDER BY seq LIMIT ?`,
    );
    this.#deleteRecord = database.prepare("DELETE FROM records WHERE id = ?");
    this.#orphan = database.prepare(
      `UPDATE collections SET space = ${NOBODY}, name = id WHERE space = ?`,
    );
    this.#dropRejections = database.prepare("DELETE FROM rejections WHERE space = ?");
    this.#dropCollection = database.prepare("DELETE FROM collections WHERE id = ?");
    this.#orphans = prepareRows<[number]>(database, ORPHAN_SQL);
    this.#newestStamp = prepareRows<[Stamp | null]>(
      database,
      `SELECT max(stamp) FROM records INDEXED BY records_by_stamp
       WHERE collection = ? AND value IS NOT NULL`,
    );
    this.#lastTombstone = prepareRows<[Stamp, Stamp | null]>(
      database,
      `SELECT stamp, buried_at FROM records INDEXED BY tombstones_by_seq
       WHERE collection = ? AND value IS NULL ORDER BY seq DESC LIMIT 1`,
    );
    this.#hasRejections = prepareRows<[number]>(
      database,
      "SELECT 1 FROM rejections WHERE space = ? LIMIT 1",
    );
    this.#removals = ownedTables.map(([table, index]) => {
      const statement = database.prepare(
        `DELETE FROM ${table} WHERE id IN (
           SELECT id FROM ${table} INDEXED BY ${index} WHERE collection = ? LIMIT ?)`,
      );
      return { run: (id, limit) => Number(statement.run(id, limit).changes) };
    });
  }

  /** One step of a purge: looks at some tombstones from `from` on, and tells where the next step begins. */
  purge(
    name: SpaceId,
    cutoff: Stamp,
    from: PurgePlace | null,
    context: {
      readonly spaces: GroupSpaces;
      readonly isDeclared: (name: CollectionName) => boolean;
    },
  ): PurgeStep {
    const space = context.spaces.find(name);
    if (space === null) return { purged: 0, floor: 0, next: null };
    const collections = [...space.collectionIds]
      .filter(([collection]) => context.isDeclared(collection))
      .filter(([collection]) => from === null || collection >= from.collection)
      .toSorted(([a], [b]) => (a < b ? -1 : 1));
    const purged: Purged = { count: 0, seqMax: 0, latest: STAMP_MIN };
    let left = STEP_ROWS_MAX;
    let next: PurgePlace | null = null;
    for (const [collection, id] of collections) {
      const afterSeq: Seq = collection === from?.collection ? from.afterSeq : 0;
      const rows = this.#tombstones.all(id, afterSeq, left);
      for (const row of rows) this.#purgeRow(row, cutoff, purged);
      left -= rows.length;
      if (left > 0) continue;
      next = { collection, afterSeq: rows.at(-1)?.[1] ?? afterSeq };
      break;
    }
    const { floor: before, cutoff: cutoffBefore } = space.state;
    if (purged.count === 0) return { purged: 0, floor: before, next };
    const floor = Math.max(before, purged.seqMax);
    const latest = laterStamp(cutoffBefore ?? purged.latest, purged.latest);
    const state = { ...space.state, floor, cutoff: latest };
    context.spaces.put(name, space, { ...space, state });
    return { purged: purged.count, floor, next };
  }

  /** Lists an epoch in a space, or in all. Returns in how many. */
  beginEpoch(name: SpaceId | null, drawn: Epoch, spaces: GroupSpaces): number {
    let count = 0;
    for (const each of name === null ? this.#listSpaces() : [name]) {
      const space = spaces.find(each);
      if (space === null) continue;
      const epochs = listEpoch(space.state.epochs, drawn, space.state.head);
      spaces.put(each, space, { ...space, state: { ...space.state, epochs } });
      count += 1;
    }
    return count;
  }

  /**
   * Takes everything out of a space at once: its collections are handed to nobody, and the rows go
   * in steps of `removeErased`. No reader ever sees a part. Returns whether there was anything.
   */
  erase(name: SpaceId, drawn: Epoch, now: Stamp, spaces: GroupSpaces): boolean {
    const space = spaces.find(name);
    if (space === null) return false;
    const { id, state, collectionIds } = space;
    if (collectionIds.size === 0 && this.#hasRejections.get(id) === undefined) return false;
    const times = [...collectionIds.values()].flatMap((collection) => [
      ...(this.#newestStamp.get(collection) ?? []),
      ...(this.#lastTombstone.get(collection) ?? []),
    ]);
    // One seq that nothing has: whoever stood at the head is below the floor too.
    const head = state.head + 1;
    this.#orphan.run(id);
    this.#dropRejections.run(id);
    spaces.put(name, space, {
      id,
      collectionIds: new Map(),
      state: {
        head,
        floor: head,
        cutoff: cutoffOfErasure(state.cutoff, times, now),
        epochs: listEpoch(state.epochs, drawn, state.head, lifeOfSpace(state.epochs) + 1),
        digests: new Map(),
      },
    });
    return true;
  }

  /** One step of removing what was erased. Returns how many rows went, and whether some are left. */
  removeErased(): { readonly removed: number; readonly isDone: boolean } {
    const [id] = this.#orphans.get() ?? [];
    if (id === undefined) return { removed: 0, isDone: true };
    let removed = 0;
    for (const { run } of this.#removals) {
      if (removed < STEP_ROWS_MAX) removed += run(id, STEP_ROWS_MAX - removed);
    }
    if (removed < STEP_ROWS_MAX) this.#dropCollection.run(id);
    return { removed, isDone: false };
  }

  #purgeRow([id, seq, stamp, buriedAt]: TombstoneRow, cutoff: Stamp, purged: Purged): void {
    if (buriedAt === null || buriedAt >= cutoff || stamp >= cutoff) return;
    this.#deleteRecord.run(id);
    purged.count += 1;
    purged.seqMax = Math.max(purged.seqMax, seq);
    purged.latest = laterStamp(purged.latest, laterStamp(stamp, buriedAt));
  }
}
