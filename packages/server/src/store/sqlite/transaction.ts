import type { DatabaseSync } from "node:sqlite";

/** Ends a transaction without its writes; there may be none left, for SQLite ends it itself on some errors. */
export const rollBack = (database: DatabaseSync): void => {
  if (database.isTransaction) database.exec("ROLLBACK");
};

/** Runs `work` in one write transaction: all of it stands, or, if anything throws, none. */
export const inTransaction = <Result>(database: DatabaseSync, work: () => Result): Result => {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    rollBack(database);
    throw error;
  }
};

/** Runs `work`, which only reads, over one moment of the database: that of the transaction under way, if there is one. */
export const inReadTransaction = <Result>(database: DatabaseSync, work: () => Result): Result => {
  if (database.isTransaction) return work();
  database.exec("BEGIN");
  try {
    return work();
  } finally {
    rollBack(database);
  }
};
