import { copyRows } from "../../postgres/copy-rows.ts";
import type { PostgresConnection } from "../../postgres/postgres-connection.ts";
import { type ControlDump, type ControlTable, controlTables } from "../control-dump.ts";

/** The table of a database that holds what one of a dump's tables does. */
const tableOf: { readonly [table in ControlTable]: string } = {
  spaces: "space_entries",
  invitations: "invitations",
  devices: "devices",
  revoked_tokens: "revoked_tokens",
  audit: "audit",
};

/** All that this room keeps, as the database names it. */
export const controlTableNames: readonly string[] = Object.values(tableOf);

/** Tables that number their rows, and the column. */
const numbered = [
  ["devices", "n"],
  ["audit", "number"],
] as const;

/** Takes a dump over, in the transaction that a connection is in, as the role that owns the tables. Answers how many rows. */
export const loadControl = async (
  connection: PostgresConnection,
  dump: ControlDump,
): Promise<number> => {
  let count = 0;
  for (const name of Object.keys(tableOf) as ControlTable[]) {
    const into = { table: tableOf[name], columns: controlTables[name] };
    count += await copyRows(connection, into, dump[name]());
  }
  for (const [table, column] of numbered) {
    await connection.client.query(
      `SELECT setval(pg_get_serial_sequence('synchro.${table}', '${column}'), max(${column}))
       FROM synchro.${table} HAVING max(${column}) IS NOT NULL`,
    );
  }
  await connection.client.query("UPDATE synchro.control_state SET version = version + 1");
  return count;
};
