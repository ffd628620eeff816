import { isJsonEqual } from "@synchro/core";
import {
  type Comparable,
  comparableOf,
  compareOrdered,
  type Row,
  toComparable,
} from "./comparable.ts";
import type { FieldKind, FieldKinds } from "./field-kind.ts";
import type { Where } from "./where.ts";

export type RowTest = (row: Row) => boolean;

type ValueTest = (value: Comparable) => boolean;

/** A mistake of the app in a query: it names the field. */
const mistake = (field: string, rule: string): TypeError => new TypeError(`${field}: ${rule}`);

const ordered =
  (holds: (order: number) => boolean) =>
  (operand: unknown, kind: FieldKind): ValueTest => {
    const bound = toComparable(operand, kind);
    return (value) => {
      const order = compareOrdered(value, bound);
      return order !== null && holds(order);
    };
  };

const equalTo = (operand: unknown, kind: FieldKind): ValueTest => {
  const wanted = toComparable(operand, kind);
  return (value) => isJsonEqual(value, wanted);
};

const amongOf = (operand: unknown, kind: FieldKind, field: string): ValueTest => {
  if (!Array.isArray(operand)) throw mistake(field, "`in` takes a list");
  const wanted = operand.map((each: unknown) => toComparable(each, kind));
  const scalars = new Set<Comparable>(
    wanted.filter((each) => typeof each !== "object" || each === null),
  );
  const others = wanted.filter((each) => typeof each === "object" && each !== null);
  return (value) => scalars.has(value) || others.some((each) => isJsonEqual(value, each));
};

const startsWith = (operand: unknown, field: string): RowTest => {
  if (typeof operand !== "string") throw mistake(field, "`startsWith` takes a text");
  // The text as it stands: the beginning of a date is no instant.
  return (row) => {
    const value = comparableOf(row, field, "plain");
    return typeof value === "string" && value.startsWith(operand);
  };
};

const exists = (operand: unknown, field: string): ValueTest => {
  if (typeof operand !== "boolean") throw mistake(field, "`exists` takes true or false");
  return (value) => (value !== null) === operand;
};

type CompileOperator = (operand: unknown, kind: FieldKind, field: string) => ValueTest;

const operators: { readonly [name: string]: CompileOperator } = {
  eq: equalTo,
  ne: (operand, kind) => {
    const test = equalTo(operand, kind);
    return (value) => !test(value);
  },
  lt: ordered((order) => order < 0),
  lte: ordered((order) => order <= 0),
  gt: ordered((order) => order > 0),
  gte: ordered((order) => order >= 0),
  in: amongOf,
  exists: (operand, _, field) => exists(operand, field),
};

const compileOperator = (
  name: string,
  operand: unknown,
  field: string,
  kind: FieldKind,
): RowTest => {
  if (operand === undefined) throw mistake(field, `\`${name}\` is undefined`);
  if (name === "startsWith") return startsWith(operand, field);
  const compile = Object.hasOwn(operators, name) ? operators[name] : undefined;
  if (compile === undefined) throw mistake(field, `\`${name}\` is no operator`);
  const test = compile(operand, kind, field);
  return (row) => test(comparableOf(row, field, kind));
};

const compileField = (field: string, condition: unknown, kind: FieldKind): readonly RowTest[] => {
  // A variable that was never set would else select everything.
  if (condition === undefined) throw mistake(field, "the condition is undefined");
  if (typeof condition !== "object" || condition === null) {
    return [compileOperator("eq", condition, field, kind)];
  }
  const entries = Object.entries(condition);
  if (Array.isArray(condition) || entries.length === 0) {
    throw mistake(field, "a condition is a plain value or an object of operators");
  }
  return entries.map(([name, operand]) => compileOperator(name, operand, field, kind));
};

/**
 * Whether all of `conditions` hold for a row.
 *
 * @throws TypeError naming the field, for what is no condition.
 */
export const compileWhere = (conditions: readonly Where<Row>[], kinds: FieldKinds): RowTest => {
  const tests = conditions.flatMap((where) =>
    Object.entries(where).flatMap(([field, condition]) =>
      compileField(field, condition, kinds(field)),
    ),
  );
  return (row) => tests.every((test) => test(row));
};
