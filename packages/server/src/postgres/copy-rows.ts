import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { from as copyFrom } from "pg-copy-streams";
import type { PostgresConnection } from "./postgres-connection.ts";

export type CopyValue = string | number | boolean | null;

/** Units of text that are handed to the stream at a time. */
const PIECE_UNITS = 256 * 1024;

const escapes: { readonly [char: string]: string } = {
  "\\": "\\\\",
  "\t": "\\t",
  "\n": "\\n",
  "\r": "\\r",
};

/** A value as COPY's text format has it (manual, "COPY", "Text Format"). */
const copyText = (value: CopyValue): string => {
  if (value === null) return "\\N";
  if (typeof value === "boolean") return value ? "t" : "f";
  if (typeof value === "number") return String(value);
  return value.replace(/[\\\t\n\r]/g, (char) => escapes[char] ?? char);
};

function* piecesOf(
  rows: Iterable<readonly CopyValue[]>,
  onRows: (count: number) => void,
): Generator<string> {
  let piece = "";
  let count = 0;
  for (const row of rows) {
    piece += `${row.map(copyText).join("\t")}\n`;
    count += 1;
    if (piece.length < PIECE_UNITS) continue;
    yield piece;
    onRows(count);
    piece = "";
    count = 0;
  }
  if (piece !== "") yield piece;
  onRows(count);
}

/**
 * Writes rows into a table of schema `synchro`, in the transaction that a connection is in, which
 * does not pipeline. Answers how many. A table whose policies hold the role can't be copied into.
 */
export const copyRows = async (
  { client }: Pick<PostgresConnection, "client">,
  into: { readonly table: string; readonly columns: readonly string[] },
  rows: Iterable<readonly CopyValue[]>,
  onRows: (count: number) => void = () => {},
): Promise<number> => {
  const sql = `COPY synchro.${into.table} (${into.columns.join(", ")}) FROM STDIN`;
  const target = client.query(copyFrom(sql));
  await pipeline(Readable.from(piecesOf(rows, onRows), { objectMode: true }), target);
  return target.rowCount;
};
