import type { DatabaseSync, SQLInputValue, SQLOutputValue } from "node:sqlite";

/** A statement whose rows come as arrays: half the time of objects, and typed here, once. */
export type RowStatement<Row extends readonly SQLOutputValue[]> = {
  readonly get: (...values: SQLInputValue[]) => Row | undefined;
  readonly all: (...values: SQLInputValue[]) => readonly Row[];
  /** Rows as they are asked for. The statement is busy until the iterator ends or is returned. */
  readonly iterate: (...values: SQLInputValue[]) => IteratorObject<Row>;
};

/** `Row` must be what the statement's columns hold, in their order. */
export const prepareRows = <Row extends readonly SQLOutputValue[]>(
  database: DatabaseSync,
  sql: string,
): RowStatement<Row> => {
  const statement = database.prepare(sql);
  statement.setReturnArrays(true);
  return {
    get: (...values) => statement.get(...values) as unknown as Row | undefined,
    all: (...values) => statement.all(...values) as unknown as readonly Row[],
    iterate: (...values) => statement.iterate(...values) as unknown as IteratorObject<Row>,
  };
};
