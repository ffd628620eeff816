import { isJsonObject, type JsonValue } from "./json.ts";

/**
 * The one text that equal data has (RFC 8785): members by the UTF-16 units of their names, numbers and
 * strings as ECMAScript writes them, no space between. Text must be well formed and nesting bounded
 * (the data rules do that).
 */
export const canonicalJson = (value: JsonValue): string => {
  if (Array.isArray(value)) {
    return `[${value.map((item: JsonValue) => canonicalJson(item)).join(",")}]`;
  }
  if (!isJsonObject(value)) return JSON.stringify(value);
  const members = Object.keys(value)
    .toSorted()
    .map((name) => `${JSON.stringify(name)}:${canonicalJson(value[name] ?? null)}`);
  return `{${members.join(",")}}`;
};
