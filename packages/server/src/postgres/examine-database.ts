import type { PostgresPool } from "./postgres-pool.ts";
import { EVERY_SPACE } from "./space-policy.ts";
import type { Statement } from "./statement.ts";

/** How a database is set up, as far as what it keeps depends on it. */
export type DatabaseSetup = {
  readonly version: string;
  /** Settings of the server without which a crash loses what was acknowledged. */
  readonly isDurable: boolean;
  /** Tables with a column `space` that row-level security does not hold whole. */
  readonly openTables: readonly string[];
  readonly standbys: number;
  readonly connections: number;
  readonly connectionsMax: number;
  /** By the database's clock, milliseconds since 1970. */
  readonly nowMs: number;
};

const readSetup: Statement = {
  name: "read_setup",
  text: `SELECT current_setting('server_version'),
    current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on',
    ARRAY(SELECT c.relname::text FROM pg_class c
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'space' AND NOT a.attisdropped
      WHERE c.relnamespace = 'synchro'::regnamespace AND c.relkind = 'r'
        AND NOT (c.relrowsecurity AND c.relforcerowsecurity) ORDER BY 1),
    (SELECT count(*) FROM pg_stat_get_wal_senders()),
    (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
    current_setting('max_connections')::int,
    floor(extract(epoch FROM clock_timestamp()) * 1000)::int8`,
};

type SetupRow = readonly [string, boolean, readonly string[], number, number, number, number];

export const examineSetup = (pool: Pick<PostgresPool, "read">): Promise<DatabaseSetup> =>
  pool.read({ space: EVERY_SPACE }, async ({ read }) => {
    const [row] = await read<SetupRow>(readSetup);
    if (row === undefined) throw new Error("a database does not tell how it is set up");
    const [version, isDurable, openTables, standbys, connections, connectionsMax, nowMs] = row;
    return { version, isDurable, openTables, standbys, connections, connectionsMax, nowMs };
  });
