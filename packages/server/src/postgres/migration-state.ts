import { DatabaseError } from "pg";
import { assertNotNewer } from "./migrate.ts";
import type { Migration } from "./migration.ts";
import type { PostgresPool } from "./postgres-pool.ts";
import { EVERY_SPACE } from "./space-policy.ts";

const UNDEFINED_TABLE = "42P01";
const applied = { name: "applied_migrations", text: "SELECT number FROM synchro.migrations" };

/**
 * Whether a database lacks steps that this program needs.
 *
 * @throws DatabaseRefusedError if it has steps that this program does not know.
 */
export const hasPendingMigrations = async (
  pool: Pick<PostgresPool, "read">,
  migrations: readonly Migration[],
): Promise<boolean> => {
  try {
    const rows = await pool.read({ space: EVERY_SPACE }, ({ read }) => read<[number]>(applied));
    const numbers = new Set(rows.map(([number]) => number));
    assertNotNewer(numbers, migrations);
    return migrations.some(({ number }) => !numbers.has(number));
  } catch (error) {
    if (error instanceof DatabaseError && error.code === UNDEFINED_TABLE) return true;
    throw error;
  }
};
