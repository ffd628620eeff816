import { isJsonObject, type JsonObject, type JsonValue } from "@synchro/core";
import type { Limits } from "@synchro/protocol";
import type { InputRow, RowDefaults } from "./input-row.ts";
import { type Line, readLines } from "./read-lines.ts";
import { scanChange } from "./scan-change.ts";

const present = (member: string, value: JsonValue | undefined): JsonObject =>
  value === undefined ? {} : { [member]: value };

/**
 * A record's line as the change that makes it again. Its `seq` is of the server that it came from,
 * and says nothing to another; a name that was proven there is not proven here.
 */
const changeOf = (row: JsonObject, defaults: RowDefaults): JsonObject => ({
  collection: row["collection"] ?? defaults.collection,
  ...present("key", row["key"]),
  updated_at: row["updated_at"] ?? defaults.updatedAt,
  ...present("life", row["life"]),
  ...present("stamps", row["stamps"]),
  ...present("value", row["value"]),
  ...present("deleted", row["deleted"]),
  ...present("author", row["author"] ?? row["author_unverified"]),
});

const readLine = (line: Line, defaults: RowDefaults, limits: Limits): InputRow => {
  const { number, text } = line;
  const fault = (code: string, message: string): InputRow => ({
    kind: "fault",
    line: number,
    fault: { code, message, path: "" },
  });
  if (text === null) return fault("line_too_long", "the line is too long");
  const scan = scanChange(text, limits);
  if (scan.kind === "too_large") return fault("too_complex", `the line ${scan.message}`);
  let row: unknown;
  try {
    row = JSON.parse(text);
  } catch {
    return fault("bad_json", "the line is not JSON");
  }
  if (!isJsonObject(row)) return fault("bad_change", "the line must be a JSON object");
  const change = changeOf(row, defaults);
  return { kind: "change", line: number, change, violation: scan.violation };
};

/** Characters of a line: a value may be written with an escape for every character. */
export const lineLengthMax = (limits: Limits): number => limits.valueBytesMax * 8;

/** Reads one record a line, `{"collection","key","updated_at","value"}`; blank lines are passed over. */
export async function* readNdjson(
  texts: AsyncIterable<string>,
  defaults: RowDefaults,
  limits: Limits,
): AsyncGenerator<InputRow> {
  for await (const line of readLines(texts, lineLengthMax(limits))) {
    if (line.text === null || line.text.trim() !== "") yield readLine(line, defaults, limits);
  }
}
