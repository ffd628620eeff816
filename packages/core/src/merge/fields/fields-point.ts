import { canonicalJson } from "../../canonical-json.ts";
import { isJsonEqual, type JsonObject, type JsonValue } from "../../json.ts";
import type { StoredRecord } from "../../record.ts";
import { laterStamp, type Stamp } from "../../stamp.ts";
import { compareCanonical, type FieldFunction, joinValues } from "./field-function.ts";
import { formatFieldState, parseFieldState } from "./field-state.ts";

/** What a field holds, and since when; undefined: it was removed. */
export type FieldVersion = { readonly stamp: Stamp; readonly value: JsonValue | undefined };

/**
 * A record, or a change to one, as the policy `fields` sees it: a point of a lattice, whose join
 * ({@link joinPoints}) is what becomes of two of them. Spec: FIELDS-*.
 */
export type FieldsPoint = {
  readonly life: number;
  /** The greatest stamp that it was ever given, in whatever life. */
  readonly stamp: Stamp;
  /** None where it is deleted. */
  readonly fields: ReadonlyMap<string, FieldVersion>;
};

/** By field; one that is not named has the greater stamp's value. */
export type FieldFunctions = { readonly [field: string]: FieldFunction };

export type FieldsVersion = Pick<StoredRecord, "stamp" | "value" | "fieldState">;

export const functionOf = (functions: FieldFunctions, field: string): FieldFunction | null =>
  (Object.hasOwn(functions, field) ? functions[field] : undefined) ?? null;

const memberOf = (members: JsonObject, name: string): JsonValue | undefined =>
  (Object.hasOwn(members, name) ? members[name] : undefined) ?? undefined;

/**
 * A stored version, or a change, as a point. A field that has a stamp and no value (in a change:
 * `null`) was removed. A version of another policy counts as written at once, in its first life.
 */
export const pointOf = ({ stamp, value, fieldState }: FieldsVersion): FieldsPoint => {
  const members = value === null ? {} : (JSON.parse(value) as JsonObject);
  const state = fieldState === null ? null : parseFieldState(fieldState);
  const life = state?.life ?? (value === null ? 2 : 1);
  if (value === null) return { life, stamp, fields: new Map() };
  const names = new Set([...Object.keys(members), ...(state?.stamps.keys() ?? [])]);
  const fields = [...names].map((name): [string, FieldVersion] => [
    name,
    { stamp: state?.stamps.get(name) ?? stamp, value: memberOf(members, name) },
  ]);
  return { life, stamp, fields: new Map(fields) };
};

/** A point as it is stored. The same data has the same text, however it came about. */
export const versionOf = ({ life, stamp, fields }: FieldsPoint): FieldsVersion => {
  const stamps = new Map([...fields].map(([name, version]) => [name, version.stamp]));
  const live: Record<string, JsonValue> = {};
  for (const [name, { value }] of fields) if (value !== undefined) live[name] = value;
  const value = life % 2 === 0 ? null : canonicalJson(live);
  return { stamp, value, fieldState: formatFieldState({ life, stamps }) };
};

/** The form that fields with a function have in a join: sets in order, each item once. */
export const normalizePoint = (point: FieldsPoint, functions: FieldFunctions): FieldsPoint => {
  const fields = [...point.fields].map(([name, version]): [string, FieldVersion] => {
    const joined = functionOf(functions, name);
    if (joined === null || version.value === undefined) return [name, version];
    return [name, { ...version, value: joinValues(joined, version.value) }];
  });
  return { ...point, fields: new Map(fields) };
};

export const isSameFieldValue = (a: FieldVersion, b: FieldVersion): boolean =>
  a.value === undefined || b.value === undefined
    ? a.value === b.value
    : isJsonEqual(a.value, b.value);

const joinFields = (
  a: FieldVersion,
  b: FieldVersion,
  joined: FieldFunction | null,
): FieldVersion => {
  if (joined !== null) {
    const stamp = laterStamp(a.stamp, b.stamp);
    if (a.value === undefined) return { stamp, value: b.value };
    return { stamp, value: b.value === undefined ? a.value : joinValues(joined, a.value, b.value) };
  }
  if (a.stamp !== b.stamp) return a.stamp > b.stamp ? a : b;
  if (a.value === undefined || b.value === undefined) return a.value === undefined ? a : b;
  return compareCanonical(a.value, b.value) >= 0 ? a : b;
};

/**
 * What becomes of two points: the greater life's fields; of one life field by field, each by its greater
 * stamp or by its function; and the greater stamp of both. Associative, commutative, and idempotent for points in the form of
 * {@link normalizePoint}: so the order in which changes arrive does not matter. Spec: FIELDS-10 to FIELDS-14.
 */
export const joinPoints = (
  a: FieldsPoint,
  b: FieldsPoint,
  functions: FieldFunctions,
): FieldsPoint => {
  const stamp = laterStamp(a.stamp, b.stamp);
  if (a.life !== b.life) return { ...(a.life > b.life ? a : b), stamp };
  const fields = new Map(a.fields);
  for (const [name, theirs] of b.fields) {
    const ours = a.fields.get(name);
    const joined =
      ours === undefined ? theirs : joinFields(ours, theirs, functionOf(functions, name));
    fields.set(name, joined);
  }
  return { life: a.life, stamp, fields };
};

/** Whether two points are one: then nothing has changed. */
export const isSamePoint = (a: FieldsPoint, b: FieldsPoint): boolean => {
  if (a.life !== b.life || a.stamp !== b.stamp || a.fields.size !== b.fields.size) return false;
  return [...a.fields].every(([name, ours]) => {
    const theirs = b.fields.get(name);
    return theirs !== undefined && ours.stamp === theirs.stamp && isSameFieldValue(ours, theirs);
  });
};
