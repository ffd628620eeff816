import type { DatabaseSync } from "node:sqlite";
import type { CollectionName, PullPlan, StoredRecord } from "@synchro/core";
import { RECORD_COLUMNS, recordFromRow, type RecordRow } from "./record-row.ts";
import { prepareRows, type RowStatement } from "./row-statement.ts";

const LIVE_FEED_SQL = `SELECT ${RECORD_COLUMNS} FROM records INDEXED BY records_by_seq
  WHERE collection = ? AND value IS NOT NULL AND seq > ? ORDER BY seq`;

const TOMBSTONE_FEED_SQL = `SELECT ${RECORD_COLUMNS} FROM records INDEXED BY tombstones_by_seq
  WHERE collection = ? AND value IS NULL AND seq > ? ORDER BY seq`;

/** One range of an index by seq: the live records or the tombstones of one collection. */
type Arm = {
  readonly collection: CollectionName;
  readonly rows: IteratorObject<RecordRow>;
  next: RecordRow;
};

/** A statement serves one arm at a time: as many are kept as a pull has needed arms. */
const createStatementRow = (
  database: DatabaseSync,
  sql: string,
): ((index: number) => RowStatement<RecordRow>) => {
  const statements: RowStatement<RecordRow>[] = [];
  return (index) => (statements[index] ??= prepareRows<RecordRow>(database, sql));
};

/** The arm with the lowest seq; -1 if none is left. Arms are few: two a collection at most. */
const nextArm = (arms: readonly Arm[]): number => {
  let found = -1;
  let lowest = Number.POSITIVE_INFINITY;
  for (const [index, arm] of arms.entries()) {
    if (arm.next[1] >= lowest) continue;
    found = index;
    lowest = arm.next[1];
  }
  return found;
};

/**
 * Reads the feed of a space: the records that a plan asks for, by ascending seq, one row at a time.
 * Each collection is two ranges of an index, so other collections and unwanted tombstones cost
 * nothing, however many they are; the ranges are merged here.
 */
export const createFeedReader = (
  database: DatabaseSync,
): ((
  plan: PullPlan,
  collections: Iterable<readonly [name: CollectionName, id: number]>,
) => Iterable<StoredRecord>) => {
  const liveStatement = createStatementRow(database, LIVE_FEED_SQL);
  const tombstoneStatement = createStatementRow(database, TOMBSTONE_FEED_SQL);
  return function* readFeed(plan, collections) {
    const arms: Arm[] = [];
    const add = (collection: CollectionName, rows: IteratorObject<RecordRow>): void => {
      const first = rows.next();
      if (first.done !== true) arms.push({ collection, rows, next: first.value });
    };
    try {
      const tombstonesAfter = Math.max(plan.after, plan.tombstonesAfter);
      let index = 0;
      for (const [collection, id] of collections) {
        add(collection, liveStatement(index).iterate(id, plan.after));
        add(collection, tombstoneStatement(index).iterate(id, tombstonesAfter));
        index += 1;
      }
      for (let at = nextArm(arms); at !== -1; at = nextArm(arms)) {
        const arm = arms[at]!;
        yield recordFromRow(arm.collection, arm.next);
        const following = arm.rows.next();
        if (following.done === true) arms.splice(at, 1);
        else arm.next = following.value;
      }
    } finally {
      // An iterator left open would hold its snapshot.
      for (const arm of arms) arm.rows.return?.();
    }
  };
};
