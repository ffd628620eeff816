import type { CollectionName, Digest } from "@synchro/core";
import type { PostgresReader } from "../../postgres/postgres-transaction.ts";
import type { Statement } from "../../postgres/statement.ts";
import { textColumn } from "./column-values.ts";
import type { Place } from "./record-table.ts";

/** As `recordSum` in core: the first 8 bytes of a hash, here as a signed integer; 2^64 apart is the same. */
const sumRecords: Statement = {
  name: "sum_records",
  text: `SELECT collection, count(*), coalesce(sum(
      ('x' || substr(encode(sha256(
        convert_to(collection, 'UTF8') || '\\x00'::bytea || convert_to(key, 'UTF8') || '\\x00'::bytea
          || convert_to(seq::text, 'UTF8')
      ), 'hex'), 1, 16))::bit(64)::bigint
    ), 0)::text
    FROM synchro.records
    WHERE space = $1 AND era = $2 AND collection = ANY ($3::text[]) AND value IS NOT NULL
    GROUP BY collection`,
};

/** What the live records of collections come to, counted anew in the database; empty ones are left out. */
export const computeDigests = async (
  tx: PostgresReader,
  { space, era }: Place,
  collections: readonly CollectionName[],
): Promise<ReadonlyMap<CollectionName, Digest>> => {
  const rows = await tx.read<readonly [CollectionName, number, string]>(sumRecords, [
    space,
    era,
    textColumn(collections),
  ]);
  return new Map(
    rows.map(([name, count, sum]) => [name, { count, sum: BigInt.asUintN(64, BigInt(sum)) }]),
  );
};
