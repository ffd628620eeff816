import type { DatabaseSync } from "node:sqlite";
import { prepareRows } from "../../store/sqlite/row-statement.ts";
import {
  type ControlDump,
  type ControlRow,
  type ControlTable,
  controlTables,
} from "../control-dump.ts";

/** All that a control database holds, as of the transaction that its connection is in. */
export const dumpControl = (database: DatabaseSync): ControlDump => {
  const read = (table: ControlTable) => (): Iterable<ControlRow> =>
    prepareRows<(string | number | null)[]>(
      database,
      `SELECT ${controlTables[table].join(", ")} FROM ${table} ORDER BY 1`,
    ).iterate();
  return {
    spaces: read("spaces"),
    invitations: read("invitations"),
    devices: read("devices"),
    revoked_tokens: read("revoked_tokens"),
    audit: read("audit"),
  };
};
