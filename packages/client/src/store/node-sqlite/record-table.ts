import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import { type CollectionName, compareCodePoints, recordId, type Stamp } from "@synchro/core";
import type { RecordScan } from "../client-store.ts";
import type { FieldState } from "../field-state.ts";
import type { HeldRecord, RecordName } from "../held-record.ts";

/** Rows that one statement writes: a third less time a row than one by one. */
const BLOCK_ROWS = 32;

/** Names from which on one statement finds their records in half the time of one each. */
const FIND_ALL_MIN = 8;

const COLUMNS = "key, seq, stamp, mark, author_verified, author, field_state, value";

const FIND_ALL_SQL = `SELECT records.key, seq, stamp, mark, author_verified, author, field_state, records.value
  FROM json_each(?) AS wanted CROSS JOIN records INDEXED BY records_by_key
  ON records.collection = ? AND records.key = wanted.value`;

type Row = readonly [
  key: string,
  seq: number,
  stamp: string,
  mark: number,
  authorVerified: number | null,
  author: string | null,
  fieldState: string | null,
  value: string | null,
];

const recordFromRow = (
  collection: CollectionName,
  [key, seq, stamp, mark, authorVerified, author, fieldState, value]: Row,
): HeldRecord => ({
  collection,
  key,
  seq,
  stamp: stamp as Stamp,
  value,
  author: author === null ? null : { name: author, verified: authorVerified === 1 },
  mark,
  ...(fieldState === null ? {} : { fieldState: JSON.parse(fieldState) as FieldState }),
});

const rowOf = (record: HeldRecord): readonly SQLInputValue[] => [
  record.collection,
  record.key,
  record.seq,
  record.stamp,
  record.mark,
  record.author === null ? null : Number(record.author.verified),
  record.author?.name ?? null,
  record.fieldState === undefined ? null : JSON.stringify(record.fieldState),
  record.value,
];

const putSql = (rows: number): string =>
  `INSERT INTO records (collection, ${COLUMNS})
   VALUES ${Array.from({ length: rows }, () => "(?, ?, ?, ?, ?, ?, ?, ?, ?)").join(", ")}
   ON CONFLICT (collection, key) DO UPDATE SET seq = excluded.seq, stamp = excluded.stamp,
     mark = excluded.mark, author_verified = excluded.author_verified, author = excluded.author,
     field_state = excluded.field_state, value = excluded.value`;

/** Neighbours in the index are written one after the other: a quarter less time a page. Of several writes to one record the last still comes last. */
const inIndexOrder = (records: readonly HeldRecord[]): readonly HeldRecord[] =>
  records.toSorted((a, b) => {
    if (a.collection !== b.collection) return a.collection < b.collection ? -1 : 1;
    if (a.key === b.key) return 0;
    return a.key < b.key ? -1 : 1;
  });

/** Reads and writes records, within a transaction that the caller holds. */
export type RecordTable = {
  readonly get: (names: readonly RecordName[]) => readonly (HeldRecord | null)[];
  readonly scan: (collection: CollectionName, scan: RecordScan) => readonly HeldRecord[];
  readonly collections: () => readonly CollectionName[];
  readonly put: (records: readonly HeldRecord[]) => void;
  readonly remove: (names: readonly RecordName[]) => void;
};

export const createRecordTable = (database: DatabaseSync): RecordTable => {
  const prepare = (sql: string) => {
    const statement = database.prepare(sql);
    statement.setReturnArrays(true);
    return statement;
  };
  const find = prepare(`SELECT ${COLUMNS} FROM records WHERE collection = ? AND key = ?`);
  const findAll = prepare(FIND_ALL_SQL);
  const scanAll = prepare(
    `SELECT ${COLUMNS} FROM records WHERE collection = ? AND key > ? ORDER BY key LIMIT ?`,
  );
  const scanOld = prepare(
    `SELECT ${COLUMNS} FROM records
     WHERE collection = ? AND key > ? AND mark < ? ORDER BY key LIMIT ?`,
  );
  // One step of the tree for each collection, however many records it has.
  const nextCollection = prepare("SELECT min(collection) FROM records WHERE collection > ?");
  const put = database.prepare(putSql(1));
  const putBlock = database.prepare(putSql(BLOCK_ROWS));
  const remove = database.prepare("DELETE FROM records WHERE collection = ? AND key = ?");

  const getOne = ({ collection, key }: RecordName): HeldRecord | null => {
    const row = find.get(collection, key) as Row | undefined;
    return row === undefined ? null : recordFromRow(collection, row);
  };
  const getMany = (names: readonly RecordName[]): readonly (HeldRecord | null)[] => {
    const found = new Map<string, HeldRecord>();
    for (const [collection, group] of Map.groupBy(names, (name) => name.collection)) {
      const keys = JSON.stringify(group.map(({ key }) => key));
      for (const row of findAll.all(keys, collection) as unknown as readonly Row[]) {
        found.set(recordId(collection, row[0]), recordFromRow(collection, row));
      }
    }
    return names.map(({ collection, key }) => found.get(recordId(collection, key)) ?? null);
  };

  return {
    get: (names) => (names.length < FIND_ALL_MIN ? names.map(getOne) : getMany(names)),
    scan: (collection, { after, limit, markBelow }) => {
      // No key is empty, so all come after the empty text.
      const from = after ?? "";
      const rows =
        markBelow === undefined
          ? scanAll.all(collection, from, limit)
          : scanOld.all(collection, from, markBelow, limit);
      return (rows as unknown as readonly Row[]).map((row) => recordFromRow(collection, row));
    },
    collections: () => {
      const names: CollectionName[] = [];
      for (;;) {
        const row = nextCollection.get(names.at(-1) ?? "") as [CollectionName | null] | undefined;
        const name = row?.[0] ?? null;
        if (name === null) return names.toSorted(compareCodePoints);
        names.push(name);
      }
    },
    put: (given) => {
      const records = given.length < BLOCK_ROWS ? given : inIndexOrder(given);
      const inBlocks = records.length - (records.length % BLOCK_ROWS);
      for (let index = 0; index < inBlocks; index += BLOCK_ROWS) {
        putBlock.run(...records.slice(index, index + BLOCK_ROWS).flatMap(rowOf));
      }
      for (const record of records.slice(inBlocks)) put.run(...rowOf(record));
    },
    remove: (names) => {
      for (const { collection, key } of names) remove.run(collection, key);
    },
  };
};
