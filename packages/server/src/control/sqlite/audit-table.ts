import type { DatabaseSync } from "node:sqlite";
import type { SpaceId, Stamp } from "@synchro/core";
import { prepareRows } from "../../store/sqlite/row-statement.ts";
import type { AuditEntry, ControlStore } from "../control-store.ts";

type AuditRow = [
  number: number,
  at: Stamp,
  actor: string,
  action: string,
  target: string,
  space: SpaceId | null,
  detail: string,
];

type Numbered = AuditEntry & { readonly number: number };

const entryFromRow = ([number, at, actor, action, target, space, detail]: AuditRow): Numbered => ({
  number,
  at,
  actor,
  action,
  target,
  space,
  detail: JSON.parse(detail) as AuditEntry["detail"],
});

/** The log of who did what; `append` within the transaction of what was done. */
export type AuditTable = {
  readonly append: (entry: AuditEntry) => void;
  readonly list: (of: Parameters<ControlStore["listAudit"]>[0]) => readonly Numbered[];
};

const COLUMNS = "at, actor, action, target, space, detail";

export const createAuditTable = (database: DatabaseSync): AuditTable => {
  const append = database.prepare(`INSERT INTO audit (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)`);
  const list = prepareRows<AuditRow>(
    database,
    `SELECT number, ${COLUMNS} FROM audit WHERE number < ? ORDER BY number DESC LIMIT ?`,
  );
  const listOf = prepareRows<AuditRow>(
    database,
    `SELECT number, ${COLUMNS} FROM audit INDEXED BY audit_by_space
     WHERE space = ? AND number < ? ORDER BY number DESC LIMIT ?`,
  );
  return {
    append: ({ at, actor, action, target, space, detail }) => {
      append.run(at, actor, action, target, space, JSON.stringify(detail));
    },
    list: ({ space, before, limit }) => {
      const below = before ?? Number.MAX_SAFE_INTEGER;
      const rows = space === null ? list.all(below, limit) : listOf.all(space, below, limit);
      return rows.map(entryFromRow);
    },
  };
};
