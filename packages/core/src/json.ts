export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [member: string]: JsonValue };

export type JsonObject = { readonly [member: string]: JsonValue };

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isEqualArray = (a: readonly JsonValue[], b: readonly JsonValue[]): boolean =>
  a.length === b.length && a.every((item, index) => isJsonEqual(item, b[index] ?? null));

const isEqualObject = (a: JsonObject, b: JsonObject): boolean => {
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  return names.every((name) => {
    const left = a[name];
    const right = b[name];
    return (
      Object.hasOwn(b, name) &&
      left !== undefined &&
      right !== undefined &&
      isJsonEqual(left, right)
    );
  });
};

/** Equality as JSON data: member order aside, numbers as doubles, -0 = 0. Nesting must be bounded (the data rules do that). */
export const isJsonEqual = (a: JsonValue, b: JsonValue): boolean => {
  if (a === b) return true;
  if (Array.isArray(a)) return Array.isArray(b) && isEqualArray(a, b);
  return isJsonObject(a) && isJsonObject(b) && isEqualObject(a, b);
};

/** The same for two JSON texts, parsed only if they differ. */
export const isJsonTextEqual = (a: string, b: string): boolean =>
  a === b || isJsonEqual(JSON.parse(a) as JsonValue, JSON.parse(b) as JsonValue);
