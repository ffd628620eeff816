import type { Direction } from "./comparable.ts";
import type { Where } from "./where.ts";

/** By which field rows are sorted; the first of several counts most, and the key decides what they leave open. */
export type Order<Of> = { readonly field: keyof Of & string; readonly direction: Direction };

/** A query as data: which rows, in which order, how many of them. */
export type QuerySpec<Of> = {
  /** All of them must hold. */
  readonly where: readonly Where<Of>[];
  readonly orderBy: readonly Order<Of>[];
  /** Null: all. */
  readonly limit: number | null;
};

/** All rows, by key. */
export const EVERY_ROW: QuerySpec<object> = { where: [], orderBy: [], limit: null };
