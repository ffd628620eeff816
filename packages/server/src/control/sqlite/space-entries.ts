import type { DatabaseSync } from "node:sqlite";
import type { SpaceId, Stamp } from "@synchro/core";
import { prepareRows } from "../../store/sqlite/row-statement.ts";
import type { SpaceEntry } from "../control-store.ts";

type SpaceRow = [
  id: SpaceId,
  title: string,
  recordsMax: number | null,
  createdAt: Stamp,
  deletedAt: Stamp | null,
];

const COLUMNS = "id, title, records_max, created_at, deleted_at";

const entryFromRow = ([id, title, recordsMax, createdAt, deletedAt]: SpaceRow): SpaceEntry => ({
  id,
  title,
  recordsMax,
  createdAt,
  deletedAt,
});

/** The entries of spaces, read and written within a transaction that the caller holds. */
export type SpaceEntries = {
  readonly list: () => readonly SpaceEntry[];
  readonly find: (id: SpaceId) => SpaceEntry | null;
  /** Puts an entry in the place of the one with its id, or beside the others. */
  readonly save: (entry: SpaceEntry) => void;
  readonly remove: (id: SpaceId) => void;
};

export const createSpaceEntries = (database: DatabaseSync): SpaceEntries => {
  const list = prepareRows<SpaceRow>(database, `SELECT ${COLUMNS} FROM spaces ORDER BY id`);
  const find = prepareRows<SpaceRow>(database, `SELECT ${COLUMNS} FROM spaces WHERE id = ?`);
  const save = database.prepare(
    `INSERT INTO spaces (${COLUMNS}) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
     title = excluded.title, records_max = excluded.records_max, deleted_at = excluded.deleted_at`,
  );
  const remove = database.prepare("DELETE FROM spaces WHERE id = ?");
  return {
    list: () => list.all().map(entryFromRow),
    find: (id) => {
      const row = find.get(id);
      return row === undefined ? null : entryFromRow(row);
    },
    save: ({ id, title, recordsMax, createdAt, deletedAt }) => {
      save.run(id, title, recordsMax, createdAt, deletedAt);
    },
    remove: (id) => {
      remove.run(id);
    },
  };
};
