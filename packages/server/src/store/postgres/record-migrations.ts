import type { Migration } from "../../postgres/migration.ts";
import { spaceTable } from "../../postgres/space-policy.ts";

/**
 * The tables of records.
 *
 * - The space stands first in every key: a table can be spread over machines by it.
 * - Text compares by its bytes (`COLLATE "C"`), so `ORDER BY key` is the order of code points, and
 *   a stamp is text because its order as text is the order of time.
 * - `era` counts how often a space was erased. Rows of another era than the space's own are seen by
 *   nobody, and leave the disk step by step (`erased` lists them).
 * - A record is in exactly one of the two indexes by seq, so that a read which wants no tombstones
 *   does not even pass them.
 * - `records_by_stamp` read backwards is the newest stamp first. Ties are sorted by key as they are
 *   read: with the key in it the index would cost each push as much again.
 * - `buried_at` is the time at which a tombstone was committed; live records have none.
 * - `kept` numbers evidence and rejections of a space in the order in which they came.
 * - A space's row changes with each of its pushes: room in its page keeps its index out of that.
 */
export const recordMigrations: readonly Migration[] = [
  {
    number: 100,
    name: "records",
    statements: [
      `CREATE TABLE synchro.declared (collection text COLLATE "C" PRIMARY KEY)`,
      `CREATE TABLE synchro.spaces (
        space text COLLATE "C" PRIMARY KEY,
        era integer NOT NULL,
        head bigint NOT NULL,
        floor bigint NOT NULL,
        cutoff text COLLATE "C",
        kept bigint NOT NULL,
        digests text NOT NULL,
        epochs text NOT NULL
      ) WITH (fillfactor = 50)`,
      `CREATE TABLE synchro.erased (
        space text COLLATE "C",
        era integer,
        PRIMARY KEY (space, era)
      )`,
      `CREATE TABLE synchro.records (
        space text COLLATE "C",
        era integer,
        collection text COLLATE "C",
        key text COLLATE "C",
        seq bigint NOT NULL,
        stamp text COLLATE "C" NOT NULL,
        buried_at text COLLATE "C",
        author_verified boolean,
        author text,
        field_state text,
        value text,
        PRIMARY KEY (space, era, collection, key)
      )`,
      `CREATE INDEX records_by_seq ON synchro.records (space, era, collection, seq)
        WHERE value IS NOT NULL`,
      `CREATE INDEX tombstones_by_seq ON synchro.records (space, era, collection, seq)
        WHERE value IS NULL`,
      `CREATE INDEX records_by_stamp ON synchro.records (space, era, collection, stamp)
        WHERE value IS NOT NULL`,
      `CREATE TABLE synchro.history (
        space text COLLATE "C",
        era integer,
        collection text COLLATE "C",
        key text COLLATE "C",
        seq bigint,
        stamp text COLLATE "C" NOT NULL,
        author_verified boolean,
        author text,
        field_state text,
        value text,
        PRIMARY KEY (space, era, collection, key, seq)
      )`,
      `CREATE TABLE synchro.evidence (
        space text COLLATE "C",
        era integer,
        n bigint,
        collection text COLLATE "C" NOT NULL,
        key text COLLATE "C" NOT NULL,
        stamp text COLLATE "C" NOT NULL,
        value_hash text NOT NULL,
        reason text NOT NULL,
        kept_at text COLLATE "C" NOT NULL,
        client_id text,
        author_verified boolean,
        author text,
        value text,
        PRIMARY KEY (space, era, n)
      )`,
      `CREATE INDEX evidence_by_key ON synchro.evidence (space, era, collection, key, n)`,
      `CREATE INDEX evidence_by_collection ON synchro.evidence (space, era, collection, n)`,
      `CREATE TABLE synchro.rejections (
        space text COLLATE "C",
        era integer,
        n bigint,
        fingerprint text NOT NULL,
        kept_at text COLLATE "C" NOT NULL,
        client_id text,
        rejection text NOT NULL,
        body text,
        PRIMARY KEY (space, era, n)
      )`,
      ...["spaces", "erased", "records", "history", "evidence", "rejections"].flatMap((table) =>
        spaceTable(table, "space"),
      ),
    ],
  },
];
