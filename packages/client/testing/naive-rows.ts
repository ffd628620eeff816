import { compareCodePoints, type JsonValue, isJsonEqual, parseInstant } from "@synchro/core";
import type { KeyedRow } from "../src/query/compile-query.ts";
import type { FieldKinds } from "../src/query/field-kind.ts";
import type { QuerySpec } from "../src/query/query-spec.ts";

type Fields = { readonly [field: string]: unknown };

const valueOf = (row: object, field: string, kinds: FieldKinds): unknown => {
  const value = (row as Fields)[field] ?? null;
  if (typeof value !== "string" || kinds(field) === "plain") return value;
  return parseInstant(value) ?? value;
};

const types = ["boolean", "number", "string", "object"];

const holds = (operator: string, operand: unknown, value: unknown): boolean => {
  const isComparable = typeof value === typeof operand && typeof value !== "object";
  const order = isComparable
    ? typeof value === "string"
      ? compareCodePoints(value, operand as string)
      : Number(value) - Number(operand)
    : Number.NaN;
  switch (operator) {
    case "eq":
      return isJsonEqual(value as JsonValue, operand as JsonValue);
    case "ne":
      return !isJsonEqual(value as JsonValue, operand as JsonValue);
    case "lt":
      return order < 0;
    case "lte":
      return order <= 0;
    case "gt":
      return order > 0;
    case "in":
      return (operand as JsonValue[]).some((each) => isJsonEqual(value as JsonValue, each));
    case "exists":
      return (value !== null) === operand;
    case "startsWith":
      return typeof value === "string" && value.startsWith(operand as string);
    default:
      throw new Error(operator);
  }
};

const compareValues = (a: unknown, b: unknown): number => {
  if (typeof a !== typeof b) return types.indexOf(typeof a) - types.indexOf(typeof b);
  if (typeof a === "object") return 0;
  return typeof a === "string" ? compareCodePoints(a, b as string) : Number(a) - Number(b);
};

/** What a query selects, by its rules alone: all rows filtered, sorted and cut. */
export const naiveRows = <Of extends object>(
  { where, orderBy, limit }: QuerySpec<Of>,
  kinds: FieldKinds,
  all: readonly KeyedRow<Of>[],
): readonly Of[] => {
  const selected = all.filter(({ row }) =>
    where.every((conditions) =>
      Object.entries(conditions).every(([field, condition]) => {
        const tests =
          typeof condition === "object" && condition !== null ? condition : { eq: condition };
        return Object.entries(tests).every(([operator, operand]) => {
          const isText = operator === "startsWith";
          const value = isText ? (row as Fields)[field] : valueOf(row, field, kinds);
          const wanted = isText ? operand : valueOf({ [field]: operand }, field, kinds);
          return holds(operator, wanted, value);
        });
      }),
    ),
  );
  const sorted = selected.toSorted((a, b) => {
    for (const { field, direction } of orderBy) {
      const left = valueOf(a.row, field, kinds);
      const right = valueOf(b.row, field, kinds);
      if (left === null && right === null) continue;
      if (left === null || right === null) return left === null ? 1 : -1;
      const order = compareValues(left, right);
      if (order !== 0) return direction === "asc" ? order : -order;
    }
    return compareCodePoints(a.key, b.key);
  });
  return sorted.slice(0, limit ?? sorted.length).map(({ row }) => row);
};
