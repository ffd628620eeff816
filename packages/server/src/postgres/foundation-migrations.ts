import type { Migration } from "./migration.ts";

/** What every room needs: the life of the database, which stands in its epoch's name. */
export const foundationMigrations: readonly Migration[] = [
  {
    number: 1,
    name: "life",
    statements: [
      `CREATE TABLE synchro.database_life (
        is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
        nonce text NOT NULL
      )`,
      `INSERT INTO synchro.database_life (nonce) VALUES (gen_random_uuid()::text)`,
    ],
  },
];
