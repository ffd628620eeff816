import type { Seq, SpaceId } from "@synchro/core";
import type { PostgresPool } from "../../postgres/postgres-pool.ts";
import { EVERY_SPACE } from "../../postgres/space-policy.ts";
import type { Statement } from "../../postgres/statement.ts";

const headsOf: Statement = {
  name: "heads_of",
  text: "SELECT space, head FROM synchro.spaces WHERE space = ANY($1::text[])",
};

/** The heads of those spaces that exist, as they are on the pool's database: one query for all. */
export const readHeads =
  (pool: Pick<PostgresPool, "read">) =>
  async (spaces: readonly SpaceId[]): Promise<ReadonlyMap<SpaceId, Seq>> => {
    const rows = await pool.read({ space: EVERY_SPACE }, ({ read }) =>
      read<readonly [SpaceId, Seq]>(headsOf, [spaces]),
    );
    return new Map(rows);
  };
