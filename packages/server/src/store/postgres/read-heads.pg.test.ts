import type { SpaceId } from "@synchro/core";
import { expect, test } from "vitest";
import { migrateTestDatabase, openTestPool } from "../../../testing/postgres/open-pool.ts";
import { sharedPostgres } from "../../../testing/postgres/shared-postgres.ts";
import { postgresMigrations } from "../../compose-postgres.ts";
import { readHeads } from "./read-heads.ts";

test("heads of many spaces come in one query: those that there are", async () => {
  const database = await (await sharedPostgres()).createDatabase();
  await migrateTestDatabase(database, postgresMigrations);
  await database.sql(
    `INSERT INTO synchro.spaces (space, era, head, floor, kept, digests, epochs)
      SELECT 'shop-' || n, 0, n, 0, 0, '[]', '[]' FROM generate_series(1, 20000) AS n`,
    "ANALYZE synchro.spaces",
  );
  const pool = await openTestPool(database.appUrl);
  const asked = Array.from({ length: 10_000 }, (_, index) => `shop-${index * 3}` as SpaceId);
  const heads = await readHeads(pool)(asked);
  expect(heads.size).toBe(6_666);
  expect(heads.get("shop-3" as SpaceId)).toBe(3);
  expect(heads.has("shop-0" as SpaceId)).toBe(false);
  await pool.close();
  await database.drop();
});
