import {
  canonicalJson,
  isJsonEqual,
  type JsonObject,
  type JsonValue,
  parseStamp,
  type Stamp,
} from "@synchro/core";
import { parts } from "../client/parts.ts";

/** What a field holds, and since when; null: it was removed. */
type Field = { readonly stamp: Stamp; readonly value: JsonValue | null };

/** A version of a record that merges field by field: the rules of FIELDS, written a second time. */
export type FieldsContent = {
  readonly life: number;
  readonly fields: ReadonlyMap<string, Field>;
};

const REQUIRED = "shelf";

const isLive = ({ life }: FieldsContent): boolean => life % 2 === 1;

/** A change, or a stored record: its value and the text of its life and stamps. */
export const readContent = (
  value: string | null,
  fieldState: string | null,
  stamp: Stamp,
): FieldsContent => {
  const members = value === null ? {} : (JSON.parse(value) as JsonObject);
  const state = fieldState === null ? {} : (JSON.parse(`{${fieldState}}`) as JsonObject);
  const { life = value === null ? 2 : 1, stamps = {} } = state as {
    readonly life?: number;
    readonly stamps?: { readonly [field: string]: string };
  };
  const names = new Set([...Object.keys(members), ...Object.keys(stamps)]);
  const fields = [...names].map((name): [string, Field] => {
    const text = stamps[name];
    const own = text === undefined ? stamp : (parseStamp(text) ?? stamp);
    return [name, { stamp: own, value: members[name] ?? null }];
  });
  return { life, fields: new Map(value === null ? [] : fields) };
};

/** FIELDS-17: what makes a record has all that it needs. */
export const isIncomplete = (before: FieldsContent | null, change: FieldsContent): boolean =>
  isLive(change) &&
  (before === null || change.life > before.life) &&
  (change.fields.get(REQUIRED)?.value ?? null) === null;

const byCanonicalForm = (a: JsonValue, b: JsonValue): number =>
  Buffer.compare(Buffer.from(canonicalJson(a)), Buffer.from(canonicalJson(b)));

const unite = (...lists: readonly (JsonValue | null)[]): JsonValue => {
  const items = lists.flatMap((list) => (Array.isArray(list) ? (list as JsonValue[]) : []));
  const sorted = items.toSorted(byCanonicalForm);
  return sorted.filter(
    (item, index) =>
      index === 0 || canonicalJson(item) !== canonicalJson(sorted[index - 1] ?? null),
  );
};

const functionOf = (name: string): string | undefined =>
  (parts.functions as { readonly [field: string]: string })[name];

/** FIELDS-11, FIELDS-12, FIELDS-14. */
const meet = (name: string, a: Field, b: Field): Field => {
  const stamp = a.stamp > b.stamp ? a.stamp : b.stamp;
  const joined = functionOf(name);
  if (joined === "union") return { stamp, value: unite(a.value, b.value) };
  if (joined !== undefined) {
    const [x, y] = [Number(a.value), Number(b.value)];
    return { stamp, value: joined === "min" ? Math.min(x, y) : Math.max(x, y) };
  }
  if (a.stamp !== b.stamp) return a.stamp > b.stamp ? a : b;
  if (a.value === null || b.value === null) return { stamp, value: null };
  return byCanonicalForm(a.value, b.value) > 0 ? a : b;
};

const alone = (name: string, field: Field): Field =>
  functionOf(name) === "union" ? { ...field, value: unite(field.value) } : field;

/** FIELDS-10: what becomes of what is stored and a change. */
export const mergeContent = (
  before: FieldsContent | null,
  change: FieldsContent,
): FieldsContent => {
  if (before !== null && before.life > change.life) return before;
  const own = new Map([...change.fields].map(([name, field]) => [name, alone(name, field)]));
  if (before === null || change.life > before.life) return { life: change.life, fields: own };
  const fields = new Map(before.fields);
  for (const [name, field] of own) {
    const stored = fields.get(name);
    fields.set(name, stored === undefined ? field : meet(name, stored, field));
  }
  return { life: change.life, fields };
};

export const isSameContent = (a: FieldsContent, b: FieldsContent): boolean =>
  a.life === b.life &&
  a.fields.size === b.fields.size &&
  [...a.fields].every(([name, field]) => {
    const other = b.fields.get(name);
    return other?.stamp === field.stamp && isJsonEqual(other.value, field.value);
  });

/** Whether `whole` knows all that `part` says: each of its fields is there, or was written later. */
export const covers = (whole: FieldsContent, part: FieldsContent): boolean =>
  isSameContent(mergeContent(whole, part), whole);

/** FIELDS-20: a change that was taken whole stands in the record as it was sent. */
export const standsIn = (change: FieldsContent, record: FieldsContent): boolean =>
  record.life === change.life &&
  [...change.fields].every(([name, field]) => {
    const stored = record.fields.get(name);
    return stored?.stamp === field.stamp && isJsonEqual(stored.value, field.value);
  });

/** The value that everybody sees; null: it is deleted. */
export const valueOf = (content: FieldsContent): string | null =>
  isLive(content)
    ? JSON.stringify(
        Object.fromEntries(
          [...content.fields].flatMap(([name, { value }]) =>
            value === null ? [] : [[name, value]],
          ),
        ),
      )
    : null;

/** What is wrong with a value that a merge has made; null: nothing (FIELDS-18). */
export const invalidity = (content: FieldsContent): string | null =>
  isLive(content) && (content.fields.get(REQUIRED)?.value ?? null) === null
    ? `it has no ${REQUIRED}`
    : null;
