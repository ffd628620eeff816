import { formatStamp, type JsonObject, type StoredRecord } from "@synchro/core";
import { encodeRecord } from "@synchro/protocol";
import { stringify } from "csv-stringify/sync";
import type { Collection } from "../collections/collection.ts";
import { StartError } from "../config/start-error.ts";
import { encodeCell } from "./csv-cell.ts";
import { columnOfMember, declaredMembers, memberTypes } from "./csv-columns.ts";
import type { ExportSource } from "./export-source.ts";

/** Columns of a CSV file; records with more different members are for NDJSON. */
const COLUMNS_MAX = 1_000;

/** A record a line, as `/v2` sends it: what an import needs to make it again. */
export function* ndjsonLines(source: ExportSource): Generator<string> {
  for (const record of source.read()) yield `${encodeRecord(record)}\n`;
}

const valueOf = (record: StoredRecord): JsonObject =>
  record.value === null ? {} : (JSON.parse(record.value) as JsonObject);

/** Records that are read between two looks at the world. */
const LOOK_UP_RECORDS = 1_000;

/** The members of all values: those that the schema names first, the others as they turn up. */
function* membersOf(
  source: ExportSource,
  collection: Collection,
): Generator<null, readonly string[]> {
  const declared = declaredMembers(collection);
  const found = new Set<string>();
  let count = 0;
  for (const record of source.read()) {
    count += 1;
    if (count % LOOK_UP_RECORDS === 0) yield null;
    for (const member of Object.keys(valueOf(record))) found.add(member);
    if (found.size > COLUMNS_MAX) {
      throw new StartError(
        `the values of ${collection.name} have more than ${COLUMNS_MAX} different members: use --format ndjson`,
      );
    }
  }
  return [
    ...declared.filter((member) => found.has(member)),
    ...[...found].filter((member) => !declared.includes(member)),
  ];
}

const csvLine = (cells: readonly string[]): string =>
  stringify([[...cells]], { record_delimiter: "\r\n", quote_record_delimiter: true });

/**
 * CSV (RFC 4180) with a header line: `key`, `updated_at`, with tombstones `deleted`, then the values'
 * members; see `encodeCell`. It reads the source twice, for the columns are known at its end only:
 * null stands for a moment in which nothing is to be written yet.
 *
 * @throws StartError if there are too many columns.
 */
export function* csvLines(
  source: ExportSource,
  collection: Collection,
  tombstones: boolean,
): Generator<string | null> {
  const members = (yield* membersOf(source, collection)).map((member) => ({
    member,
    types: memberTypes(collection, member),
  }));
  const deletedColumn = tombstones ? ["deleted"] : [];
  const columns = members.map(({ member }) => columnOfMember(member));
  yield csvLine(["key", "updated_at", ...deletedColumn, ...columns]);
  for (const record of source.read()) {
    const value = valueOf(record);
    const deleted = tombstones ? [record.value === null ? "true" : ""] : [];
    const cells = members.map(({ member, types }) =>
      encodeCell(Object.hasOwn(value, member) ? value[member] : undefined, types),
    );
    yield csvLine([record.key, formatStamp(record.stamp), ...deleted, ...cells]);
  }
}
