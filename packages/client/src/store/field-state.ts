import { formatStamp, isJsonEqual, type JsonObject, type Stamp } from "@synchro/core";

/** When each field of a version was written, removed ones included, as stamps on the wire. */
export type FieldStamps = { readonly [field: string]: string };

/** What a version carries beside its value in a collection with the policy `fields`. Spec: FIELDS-*. */
export type FieldState = {
  /** Odd: live; even: deleted. */
  readonly life: number;
  readonly stamps: FieldStamps;
};

/** A version, as far as merging goes. */
type Version = {
  readonly value: string | null;
  readonly stamp: Stamp;
  readonly fieldState?: FieldState;
};

export const membersOf = (value: string | null): JsonObject =>
  value === null ? {} : (JSON.parse(value) as JsonObject);

/** A version of a collection that had another policy when it was written counts as written at once. */
export const fieldStateOf = ({ value, stamp, fieldState }: Version): FieldState => {
  if (fieldState !== undefined) return fieldState;
  const at = formatStamp(stamp);
  const names = Object.keys(membersOf(value));
  return {
    life: value === null ? 2 : 1,
    stamps: Object.fromEntries(names.map((name) => [name, at])),
  };
};

/** Whether a server that has `other` might learn something from `version`. It merges: to say it in vain costs a request. */
export const isNewsTo = (other: Version, version: Version): boolean => {
  const [mine, theirs] = [fieldStateOf(version), fieldStateOf(other)];
  if (mine.life !== theirs.life) return mine.life > theirs.life;
  if (version.value === null) return version.stamp > other.stamp;
  const [values, otherValues] = [membersOf(version.value), membersOf(other.value)];
  return Object.entries(mine.stamps).some(
    ([name, stamp]) =>
      stamp !== theirs.stamps[name] ||
      !isJsonEqual(values[name] ?? null, otherValues[name] ?? null),
  );
};

/** The fields of which two values differ, those that only one has included. */
export const changedFields = (before: string | null, after: string | null): readonly string[] => {
  const [old, now] = [membersOf(before), membersOf(after)];
  const names = new Set([...Object.keys(old), ...Object.keys(now)]);
  return [...names].filter((name) => {
    const [a, b] = [old[name], now[name]];
    return a === undefined || b === undefined || !isJsonEqual(a, b);
  });
};
