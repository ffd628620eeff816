import { compareCodePoints, type JsonValue, parseInstant } from "@synchro/core";
import type { FieldKind } from "./field-kind.ts";

/** A row as queries see it: JSON data by field. An absent field and `null` are one. */
export type Row = { readonly [field: string]: unknown };

/** A field's value in the form in which it is compared; null where there is none. */
export type Comparable = JsonValue;

/**
 * The value of `field` for comparing. `2026-12-01`, `2026-12-01T00:00:00Z` and `2026-12-01T02:00+02:00`
 * are one instant; what should be a date and is none stays a text.
 */
export const comparableOf = (row: Row, field: string, kind: FieldKind): Comparable =>
  toComparable(Object.hasOwn(row, field) ? row[field] : null, kind);

export const toComparable = (value: unknown, kind: FieldKind): Comparable => {
  if (kind === "instant" && typeof value === "string") return parseInstant(value) ?? value;
  return (value ?? null) as JsonValue;
};

const ABSENT_RANK = 4;

/** Booleans, numbers, texts, then all that has no order of its own, and at the end what is not there. */
const rankOf = (value: Comparable): number => {
  switch (typeof value) {
    case "boolean":
      return 0;
    case "number":
      return 1;
    case "string":
      return 2;
    default:
      return value === null ? ABSENT_RANK : 3;
  }
};

const compareSameRank = (a: Comparable, b: Comparable): number => {
  if (typeof a === "string" && typeof b === "string") return compareCodePoints(a, b);
  if (typeof a === "number" && typeof b === "number") return a - b;
  return Number(a) - Number(b);
};

/**
 * The order of two values of one kind; null where they have none: of two types, of lists and objects,
 * of what is not there.
 */
export const compareOrdered = (a: Comparable, b: Comparable): number | null => {
  const rank = rankOf(a);
  return rank > 2 || rank !== rankOf(b) ? null : compareSameRank(a, b);
};

export type Direction = "asc" | "desc";

/** A total order for sorting. What is not there comes last in both directions. */
export const compareForSort = (a: Comparable, b: Comparable, direction: Direction): number => {
  if (a === b) return 0;
  const rankA = rankOf(a);
  const rankB = rankOf(b);
  if (rankA === ABSENT_RANK || rankB === ABSENT_RANK) return rankA - rankB;
  const order = rankA === rankB ? (rankA > 2 ? 0 : compareSameRank(a, b)) : rankA - rankB;
  return direction === "asc" ? order : -order;
};
