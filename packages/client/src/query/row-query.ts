import type { Direction } from "./comparable.ts";
import { compileQuery } from "./compile-query.ts";
import type { FieldKinds } from "./field-kind.ts";
import { EVERY_ROW, type QuerySpec } from "./query-spec.ts";
import type { Where } from "./where.ts";

/** What rows of a collection come from. */
export type RowSource<Of> = {
  readonly kinds: FieldKinds;
  readonly read: (spec: QuerySpec<Of>) => Promise<readonly Of[]>;
  readonly subscribe: (spec: QuerySpec<Of>, listener: (rows: readonly Of[]) => void) => () => void;
};

/** A query that grows by its own methods: each answers a new one and leaves this as it is. */
export interface RowQuery<Of> {
  /**
   * Narrows it down: this must hold too.
   *
   * @throws TypeError naming the field, for what is no condition.
   */
  where(where: Where<Of>): RowQuery<Of>;
  /** Sorts by a further field. What it leaves open goes by key; rows without the field come last. */
  orderBy(field: keyof Of & string, direction?: Direction): RowQuery<Of>;
  /**
   * The first `count` rows.
   *
   * @throws RangeError for what is no integer from 0.
   */
  limit(count: number): RowQuery<Of>;
  /** The rows as they are on this device now. */
  get(): Promise<readonly Of[]>;
  /** Calls `listener` with the rows, and whenever they change. Answers how to stop it. */
  subscribe(listener: (rows: readonly Of[]) => void): () => void;
}

/** A query over all rows of a source, by key; or as `spec` says. */
export const createRowQuery = <Of extends object>(
  source: RowSource<Of>,
  spec: QuerySpec<Of> = EVERY_ROW,
): RowQuery<Of> => {
  const grown = (added: Partial<QuerySpec<Of>>): RowQuery<Of> => {
    const next = { ...spec, ...added };
    // A mistake is told where it is made, not when the rows are read.
    compileQuery(next, source.kinds);
    return createRowQuery(source, next);
  };
  return {
    where: (where) => grown({ where: [...spec.where, where] }),
    orderBy: (field, direction = "asc") =>
      grown({ orderBy: [...spec.orderBy, { field, direction }] }),
    limit: (count) => grown({ limit: count }),
    get: () => source.read(spec),
    subscribe: (listener) => source.subscribe(spec, listener),
  };
};
