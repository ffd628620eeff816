import { isJsonObject, type JsonValue } from "@synchro/core";
import { scanJson } from "@synchro/protocol";

export type CellType = "array" | "boolean" | "integer" | "null" | "number" | "object" | "string";

/** What the values of a column may be, by their schema; null: anything. */
export type CellTypes = ReadonlySet<CellType> | null;

const cellTypes: ReadonlySet<string> = new Set<CellType>([
  "array",
  "boolean",
  "integer",
  "null",
  "number",
  "object",
  "string",
]);

const typeOf = (value: JsonValue): CellType => {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  const type = typeof value;
  return type === "number" || type === "boolean" || type === "string" ? type : "object";
};

/** The types that a member's schema allows by `type`, `const` or `enum`; of anything else nothing is known. */
export const cellTypesOf = (schema: unknown): CellTypes => {
  if (!isJsonObject(schema)) return null;
  const { type, enum: choices } = schema;
  const named = typeof type === "string" ? [type] : type;
  if (Array.isArray(named)) {
    const known = named.filter((name): name is CellType => cellTypes.has(String(name)));
    return new Set(known);
  }
  if (Object.hasOwn(schema, "const")) return new Set([typeOf(schema["const"] ?? null)]);
  return Array.isArray(choices) ? new Set(choices.map((choice) => typeOf(choice))) : null;
};

const allows = (types: CellTypes, type: CellType): boolean =>
  types === null || types.has(type) || (type === "number" && types.has("integer"));

/** How JSON may begin; spares most texts an exception. */
const jsonBegins = /^[-\d[{"tfn]/;

const scanLimits = {
  tokensMax: 150_000,
  depthMax: 128,
  violationsMax: 1,
  groupDepth: 0,
  nestedDepthMax: 128,
};

/** A text as JSON; undefined if it is none, or if reading it would alter or drop anything. */
const parseJson = (text: string): JsonValue | undefined => {
  if (!jsonBegins.test(text)) return undefined;
  const scan = scanJson(text, scanLimits);
  if (scan.kind === "too_large" || scan.violations.length > 0) return undefined;
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
};

/** Spreadsheets write truth in capitals. */
const spreadsheetBoolean = (text: string): boolean | undefined => {
  if (!/^(?:true|false)$/i.test(text)) return undefined;
  return text.toLowerCase() === "true";
};

/**
 * What a cell says; undefined: nothing stands in it. A column of strings holds its text as it is,
 * save a JSON string (`"…"` within the cell), which stands for its content: so the empty string
 * differs from no value. Any other cell is JSON where it is JSON of a type that its column allows;
 * else it stays text, which the schema then judges.
 */
export const decodeCell = (text: string, types: CellTypes): JsonValue | undefined => {
  if (text === "") return undefined;
  const isText = types !== null && types.size === 1 && types.has("string");
  if (isText && !text.startsWith('"')) return text;
  const value = parseJson(text);
  if (value !== undefined && allows(types, typeOf(value))) return value;
  if (types !== null && types.has("boolean") && !types.has("string")) {
    return spreadsheetBoolean(text) ?? text;
  }
  return text;
};

/**
 * A value as a cell that {@link decodeCell} reads back, for values of the column's types. Text is
 * left as it is wherever that is unambiguous.
 */
export const encodeCell = (value: JsonValue | undefined, types: CellTypes): string => {
  if (value === undefined) return "";
  if (typeof value === "string" && decodeCell(value, types) === value) return value;
  return JSON.stringify(value);
};
