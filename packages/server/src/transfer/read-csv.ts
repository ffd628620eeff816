import { formatStamp, type JsonObject, type JsonValue, parseInstant } from "@synchro/core";
import type { Limits } from "@synchro/protocol";
import { CsvError, parse } from "csv-parse";
import type { Collection } from "../collections/collection.ts";
import { StartError } from "../config/start-error.ts";
import { decodeCell } from "./csv-cell.ts";
import { type CsvColumns, readCsvHeader } from "./csv-columns.ts";
import type { InputRow, RowDefaults } from "./input-row.ts";
import { lineLengthMax } from "./read-ndjson.ts";
import { scanChange } from "./scan-change.ts";

type CsvRow = { readonly cells: readonly string[]; readonly line: number };

/** Lines that a row takes: the parser counts a CRLF within a cell as two. */
const linesOf = (cells: readonly string[]): number => {
  let count = 1;
  for (const cell of cells) {
    for (let at = cell.indexOf("\n"); at !== -1; at = cell.indexOf("\n", at + 1)) count += 1;
  }
  return count;
};

const csvFault = (error: CsvError, lengthMax: number): string => {
  switch (error.code) {
    case "CSV_QUOTE_NOT_CLOSED":
      return "a quoted cell is not closed before the end";
    case "CSV_INVALID_CLOSING_QUOTE":
      return "text follows a closing quote (a quote in a cell is written twice)";
    case "INVALID_OPENING_QUOTE":
      return "a quote stands in a cell that does not begin with one";
    case "CSV_MAX_RECORD_SIZE":
      return `the row has more than ${lengthMax} characters (is a quote not closed?)`;
    default:
      return error.message;
  }
};

const emptyLinesOf = (error: CsvError): number => {
  const count = error["empty_lines"];
  return typeof count === "number" ? count : 0;
};

/** The rows that end within each text given, and after the last (null) those that are left. */
const createRowParser = (
  lengthMax: number,
): ((text: string | null) => Promise<{
  readonly rows: readonly CsvRow[];
  readonly fault: StartError | null;
}>) => {
  /** The line at which the next row begins, empty lines aside. */
  let next = 1;
  let rows: CsvRow[] = [];
  const parser = parse({
    record_delimiter: ["\r\n", "\n"],
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: lengthMax,
    // Taken here, and not out of the stream: what it has read would go with its first error.
    on_record: (cells, { empty_lines: emptyLines }) => {
      rows.push({ cells, line: next + emptyLines });
      next += linesOf(cells);
      return null;
    },
  });
  // Each call gets its own.
  parser.on("error", () => {});
  const faultOf = (error: Error | null | undefined): StartError | null => {
    if (error === null || error === undefined) return null;
    if (!(error instanceof CsvError)) throw error;
    return new StartError(`line ${next + emptyLinesOf(error)}: ${csvFault(error, lengthMax)}`);
  };
  return async (text) => {
    const error = await new Promise<Error | null | undefined>((resolve) => {
      if (text === null) parser.end(resolve);
      else parser.write(text, resolve);
    });
    const parsed = { rows, fault: faultOf(error) };
    rows = [];
    return parsed;
  };
};

async function* readRows(texts: AsyncIterable<string>, lengthMax: number): AsyncGenerator<CsvRow> {
  const parseRows = createRowParser(lengthMax);
  for await (const text of texts) {
    const { rows, fault } = await parseRows(text);
    yield* rows;
    if (fault !== null) throw fault;
  }
  const { rows, fault } = await parseRows(null);
  yield* rows;
  if (fault !== null) throw fault;
}

const deletedValue = (text: string): JsonValue => {
  if (/^(?:true|1)$/i.test(text)) return true;
  return /^(?:false|0|)$/i.test(text) ? false : text;
};

const stampText = (text: string, defaults: RowDefaults): string => {
  if (text === "") return defaults.updatedAt;
  const instant = parseInstant(text);
  return instant === null ? text : formatStamp(instant);
};

const changeOf = (
  cells: readonly string[],
  columns: CsvColumns,
  defaults: RowDefaults,
): JsonObject => {
  const value: { [member: string]: JsonValue } = {};
  for (const { at, member, types } of columns.members) {
    const cell = decodeCell(cells[at] ?? "", types);
    if (cell !== undefined) value[member] = cell;
  }
  const deleted = deletedValue(cells[columns.deleted] ?? "");
  const isBare = deleted === true && Object.keys(value).length === 0;
  return {
    collection: defaults.collection,
    key: cells[columns.key] ?? "",
    updated_at: stampText(cells[columns.updatedAt] ?? "", defaults),
    deleted,
    ...(isBare ? {} : { value }),
  };
};

const readRow = (
  { cells, line }: CsvRow,
  columns: CsvColumns,
  defaults: RowDefaults,
  limits: Limits,
): InputRow => {
  const fault = (code: string, message: string): InputRow => ({
    kind: "fault",
    line,
    fault: { code, message, path: "" },
  });
  if (cells.length !== columns.count) {
    return fault("bad_row", `the row has ${cells.length} cells, the header ${columns.count}`);
  }
  const change = changeOf(cells, columns, defaults);
  const scan = scanChange(JSON.stringify(change), limits);
  if (scan.kind === "too_large") return fault("too_complex", `the row ${scan.message}`);
  return { kind: "change", line, change, violation: scan.violation };
};

/**
 * Reads CSV (RFC 4180, LF alone allowed) with a header line. A row that does not fit is a fault of
 * its own; a quote in the wrong place ends the reading, for where the next row begins is then unknown.
 *
 * @throws StartError naming the line.
 */
export async function* readCsv(
  texts: AsyncIterable<string>,
  defaults: RowDefaults,
  of: { readonly collection: Collection; readonly limits: Limits },
): AsyncGenerator<InputRow> {
  let columns: CsvColumns | null = null;
  for await (const row of readRows(texts, lineLengthMax(of.limits))) {
    if (columns === null) columns = readCsvHeader(row.cells, of.collection);
    else yield readRow(row, columns, defaults, of.limits);
  }
  if (columns === null) throw new StartError("line 1: there is no header line: the file is empty");
}
