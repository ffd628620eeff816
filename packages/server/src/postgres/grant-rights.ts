import type { Client } from "pg";
import { DatabaseRefusedError } from "./database-refused-error.ts";

/** Tables that a server may not alter freely, and what it may do. */
const bounded: { readonly [table: string]: string } = {
  audit: "SELECT, INSERT",
  migrations: "SELECT",
};

/**
 * Gives a role what servers need in schema `synchro`, and takes away what they don't. Idempotent.
 *
 * @throws DatabaseRefusedError if there is no such role.
 */
export const grantRights = async (client: Client, role: string): Promise<void> => {
  const { rows } = await client.query<{ found: boolean; owner: boolean }>({
    text: `SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1) AS found,
      current_user = $1 AS owner`,
    values: [role],
  });
  if (rows[0]?.found !== true) throw new DatabaseRefusedError(`there is no role ${role}`);
  // An owner keeps all rights: the triggers and policies hold it too.
  if (rows[0].owner) return;
  const to = client.escapeIdentifier(role);
  const { rows: tables } = await client.query<{ name: string }>(
    "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'synchro' ORDER BY 1",
  );
  await client.query("BEGIN");
  await client.query(`GRANT USAGE ON SCHEMA synchro TO ${to}`);
  for (const { name } of tables) {
    const table = `synchro.${client.escapeIdentifier(name)}`;
    const rights = bounded[name] ?? "SELECT, INSERT, UPDATE, DELETE";
    await client.query(`REVOKE ALL ON ${table} FROM ${to}; GRANT ${rights} ON ${table} TO ${to}`);
  }
  await client.query(`GRANT USAGE ON ALL SEQUENCES IN SCHEMA synchro TO ${to}`);
  await client.query("COMMIT");
};
