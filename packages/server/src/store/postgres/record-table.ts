import type { SpaceId, Stamp, StoredRecord } from "@synchro/core";
import type { PostgresReader, PostgresTransaction } from "../../postgres/postgres-transaction.ts";
import type { Statement } from "../../postgres/statement.ts";
import { bigintColumn, booleanColumn, textColumn } from "./column-values.ts";
import { RECORD_COLUMNS, recordFromRow, type RecordRow } from "./record-row.ts";
import { PRESENT_ERA } from "./space-tables.ts";

// One look into the index for each key, whatever the statistics say; a key may stand twice.
const findRecords: Statement = {
  name: "find_records",
  text: `SELECT found.* FROM unnest($2::text[], $3::text[]) AS wanted (collection, key)
    CROSS JOIN LATERAL (
      SELECT ${RECORD_COLUMNS} FROM synchro.records
      WHERE space = $1 AND era = ${PRESENT_ERA}
        AND collection = wanted.collection AND key = wanted.key
      LIMIT 1
    ) AS found`,
};

const VERSION_COLUMNS = "collection, key, seq, stamp, author_verified, author, field_state, value";
const VERSION_ARRAYS =
  "$3::text[], $4::text[], $5::bigint[], $6::text[], $7::boolean[], $8::text[], $9::text[], $10::text[]";

const INSERT = `INSERT INTO synchro.records (space, era, ${VERSION_COLUMNS}, buried_at)
  SELECT $1, $2, version.* FROM unnest(${VERSION_ARRAYS}, $11::text[]) AS version`;

const insertRecords: Statement = { name: "insert_records", text: INSERT };

const putRecords: Statement = {
  name: "put_records",
  text: `${INSERT} ON CONFLICT (space, era, collection, key) DO UPDATE SET
      seq = excluded.seq, stamp = excluded.stamp, buried_at = excluded.buried_at,
      author_verified = excluded.author_verified, author = excluded.author,
      field_state = excluded.field_state, value = excluded.value`,
};

const addHistory: Statement = {
  name: "add_history",
  text: `INSERT INTO synchro.history (space, era, ${VERSION_COLUMNS})
    SELECT $1, $2, version.* FROM unnest(${VERSION_ARRAYS}) AS version`,
};

/** Where rows belong: a space, in the era that its row tells. */
export type Place = { readonly space: SpaceId; readonly era: number };

/** A record as a push leaves it, and when that was. */
export type CommittedRecord = { readonly record: StoredRecord; readonly committedAt: Stamp };

/** The stored versions of records of a space, tombstones included; absent ones are left out. */
export const find = async (
  tx: PostgresReader,
  space: SpaceId,
  wanted: readonly Pick<StoredRecord, "collection" | "key">[],
): Promise<readonly StoredRecord[]> => {
  if (wanted.length === 0) return [];
  const collections = textColumn(wanted.map(({ collection }) => collection));
  const keys = textColumn(wanted.map(({ key }) => key));
  const rows = await tx.read<RecordRow>(findRecords, [space, collections, keys]);
  return rows.map(recordFromRow);
};

/** Where no row has a value: `unnest` fills up a column that is missing with nulls. */
const orNull = <Value>(
  values: readonly (Value | null)[],
  columnOf: (values: readonly (Value | null)[]) => Uint8Array,
): Uint8Array | null => (values.every((value) => value === null) ? null : columnOf(values));

const columnsOf = (records: readonly StoredRecord[]): readonly unknown[] => [
  textColumn(records.map(({ collection }) => collection)),
  textColumn(records.map(({ key }) => key)),
  bigintColumn(records.map(({ seq }) => seq)),
  textColumn(records.map(({ stamp }) => stamp)),
  orNull(
    records.map(({ author }) => author?.verified ?? null),
    booleanColumn,
  ),
  orNull(
    records.map(({ author }) => author?.name ?? null),
    textColumn,
  ),
  orNull(
    records.map(({ fieldState }) => fieldState),
    textColumn,
  ),
  textColumn(records.map(({ value }) => value)),
];

/** Writes records, each at most once; `areNew`: none of them is there. */
export const put = async (
  tx: PostgresTransaction,
  { space, era }: Place,
  committed: readonly CommittedRecord[],
  areNew: boolean,
): Promise<void> => {
  if (committed.length === 0) return;
  const records = committed.map(({ record }) => record);
  const buriedAt = orNull(
    committed.map(({ record, committedAt }) => (record.value === null ? committedAt : null)),
    textColumn,
  );
  const statement = areNew ? insertRecords : putRecords;
  await tx.write(statement, [space, era, ...columnsOf(records), buriedAt]);
};

/** Adds versions of records of collections that keep their history. */
export const addToHistory = async (
  tx: PostgresTransaction,
  { space, era }: Place,
  versions: readonly StoredRecord[],
): Promise<void> => {
  if (versions.length > 0) await tx.write(addHistory, [space, era, ...columnsOf(versions)]);
};
