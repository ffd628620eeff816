import type { DatabaseSync } from "node:sqlite";
import type { CollectionName, Stamp, StoredRecord } from "@synchro/core";
import { authorToRow, RECORD_COLUMNS, recordFromRow, type RecordRow } from "./record-row.ts";
import { prepareRows } from "./row-statement.ts";

const FOUND_COLUMNS = `records.key, seq, stamp, author_verified, author, records.value,
  field_state, records.id`;

const FIND_SQL = `SELECT ${FOUND_COLUMNS} FROM records INDEXED BY records_by_key
  WHERE collection = ? AND key = ?`;

const FIND_ALL_SQL = `SELECT ${FOUND_COLUMNS} FROM json_each(?) AS wanted
  CROSS JOIN records INDEXED BY records_by_key
  ON records.collection = ? AND records.key = wanted.value`;

/** Keys from which on one statement finds them in half the time of one each. */
const FIND_ALL_MIN = 8;

/** Rows that one statement inserts: a third less time a row than one by one. */
const BLOCK_ROWS = 32;

const insertSql = (rows: number): string =>
  `INSERT INTO records (collection, key, seq, stamp, buried_at, author_verified, author, value, field_state)
   VALUES ${Array.from({ length: rows }, () => "(?, ?, ?, ?, ?, ?, ?, ?, ?)").join(", ")}`;

export type NewRecord = { readonly collectionId: number; readonly record: StoredRecord };

const columnsOf = (
  { collectionId, record }: NewRecord,
  committedAt: Stamp,
): readonly (string | number | null)[] => {
  const { key, seq, stamp, author, value, fieldState } = record;
  const buriedAt = value === null ? committedAt : null;
  return [collectionId, key, seq, stamp, buriedAt, ...authorToRow(author), value, fieldState];
};

/** A stored version and the row that holds it. */
export type FoundRecord = { readonly record: StoredRecord; readonly rowId: number };

type FoundRow = [...RecordRow, rowId: number];

/** Reads and writes records, within a transaction that the caller holds. */
export type RecordTable = {
  /** The stored versions of records of a collection, by key; absent ones are left out. */
  readonly find: (
    collection: CollectionName,
    collectionId: number,
    keys: readonly string[],
  ) => ReadonlyMap<string, FoundRecord>;
  /** Adds records that are not there yet. */
  readonly insertAll: (records: readonly NewRecord[], committedAt: Stamp) => void;
  readonly update: (rowId: number, record: StoredRecord, committedAt: Stamp) => void;
  readonly addHistory: (collectionId: number, record: StoredRecord) => void;
};

export const createRecordTable = (database: DatabaseSync): RecordTable => {
  const find = prepareRows<FoundRow>(database, FIND_SQL);
  const findAll = prepareRows<FoundRow>(database, FIND_ALL_SQL);
  const insert = database.prepare(insertSql(1));
  const insertBlock = database.prepare(insertSql(BLOCK_ROWS));
  const update = database.prepare(
    `UPDATE records SET seq = ?, stamp = ?, buried_at = ?, author_verified = ?, author = ?, value = ?,
       field_state = ? WHERE id = ?`,
  );
  const insertHistory = database.prepare(
    `INSERT INTO history (collection, ${RECORD_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  return {
    find: (collection, collectionId, keys) => {
      const rows =
        keys.length < FIND_ALL_MIN
          ? keys.flatMap((key) => {
              const row = find.get(collectionId, key);
              return row === undefined ? [] : [row];
            })
          : findAll.all(JSON.stringify(keys), collectionId);
      return new Map(
        rows.map((row) => {
          const [key, seq, stamp, verified, author, value, fieldState, rowId] = row;
          const columns: RecordRow = [key, seq, stamp, verified, author, value, fieldState];
          return [key, { record: recordFromRow(collection, columns), rowId }];
        }),
      );
    },
    insertAll: (records, committedAt) => {
      const rows = records.map((each) => columnsOf(each, committedAt));
      const inBlocks = rows.length - (rows.length % BLOCK_ROWS);
      for (let index = 0; index < inBlocks; index += BLOCK_ROWS) {
        insertBlock.run(...rows.slice(index, index + BLOCK_ROWS).flat());
      }
      for (const row of rows.slice(inBlocks)) insert.run(...row);
    },
    update: (rowId, { seq, stamp, author, value, fieldState }, committedAt) => {
      const buriedAt = value === null ? committedAt : null;
      update.run(seq, stamp, buriedAt, ...authorToRow(author), value, fieldState, rowId);
    },
    addHistory: (collectionId, { key, seq, stamp, value, fieldState, author }) => {
      const version = [key, seq, stamp, ...authorToRow(author), value, fieldState];
      insertHistory.run(collectionId, ...version);
    },
  };
};
