import type { CollectionName, Seq, SpaceId } from "@synchro/core";
import type { Statement } from "../../postgres/statement.ts";
import { bigintColumn } from "./column-values.ts";
import { RECORD_COLUMNS } from "./record-row.ts";
import { PRESENT_ERA } from "./space-tables.ts";

/** Which rows of the feed a page is cut from. */
export type PageRange = {
  readonly collections: readonly CollectionName[];
  /** Records above this seq. */
  readonly after: Seq;
  /** Tombstones above this one; null: above the head of the statement's moment, or `startMax`. */
  readonly tombstonesAfter: Seq | null;
  readonly startMax: Seq | null;
};

/** Where a page ends, as `takePage` cuts it: no row beyond the one that does not fit is read. */
export type PageEnd = {
  readonly recordsMax: number;
  readonly bytesMax: number;
  readonly told: ReadonlySet<Seq>;
};

/** The first parameter that names a collection. */
const COLLECTIONS_FROM = 8;

// A query of its own: a policy lets no expression into an index condition that could tell of rows.
const TOMBSTONES_AFTER = `(SELECT greatest($2::bigint, coalesce($3::bigint,
  least($4::bigint, (SELECT head FROM synchro.spaces WHERE space = $1)))))`;

/** One range of one index. */
const arm = (collection: number, condition: string, after: string): string =>
  `(SELECT ${RECORD_COLUMNS} FROM synchro.records
    WHERE space = $1 AND era = ${PRESENT_ERA} AND collection = $${collection}
      AND value IS ${condition} AND seq > ${after}
    ORDER BY seq LIMIT $5::bigint)`;

// At most what `recordBytes` counts: a page that has less rows than it could would seem to be the last.
const BYTES = `96 + octet_length(collection) + octet_length(key) + coalesce(octet_length(value), 0)
  + coalesce(octet_length(field_state), 0) + coalesce(octet_length(author), 0)`;

/** Each collection is two ranges of an index, merged by seq as they are read, up to where the page ends. */
const textOf = (collections: number): string => {
  const arms = Array.from({ length: collections }, (_, index) => COLLECTIONS_FROM + index).flatMap(
    (each) => [arm(each, "NOT NULL", "$2::bigint"), arm(each, "NULL", TOMBSTONES_AFTER)],
  );
  return `SELECT ${RECORD_COLUMNS} FROM (
    SELECT *, sum(bytes) OVER taken AS bytes_taken, count(*) FILTER (WHERE NOT is_told) OVER taken AS n
    FROM (
      SELECT *, CASE WHEN is_told THEN 0 ELSE ${BYTES} END AS bytes
      FROM (
        SELECT *, seq = ANY ($7::bigint[]) AS is_told FROM (${arms.join("\nUNION ALL\n")}) AS feed
        ORDER BY seq LIMIT $5::bigint
      ) AS limited
    ) AS measured
    WINDOW taken AS (ORDER BY seq ROWS UNBOUNDED PRECEDING)
  ) AS counted
  WHERE bytes_taken - bytes <= $6::bigint OR n <= 2
  ORDER BY seq`;
};

const statements = new Map<number, Statement>();

const statementFor = (collections: number): Statement => {
  const known = statements.get(collections);
  if (known !== undefined) return known;
  const made = { name: `read_page_${collections}`, text: textOf(collections) };
  statements.set(collections, made);
  return made;
};

/** The statement that reads the rows of a page, by ascending seq; null where no row can be meant. */
export const pageStatement = (
  space: SpaceId,
  range: PageRange,
  end: PageEnd,
): { readonly statement: Statement; readonly values: readonly unknown[] } | null => {
  const { collections, after, tombstonesAfter, startMax } = range;
  if (collections.length === 0) return null;
  return {
    statement: statementFor(collections.length),
    values: [
      space,
      after,
      tombstonesAfter,
      startMax,
      end.recordsMax + end.told.size + 1,
      end.bytesMax,
      bigintColumn([...end.told]),
      ...collections,
    ],
  };
};
