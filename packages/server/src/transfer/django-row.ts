import { formatStamp, type JsonObject, parseInstant } from "@synchro/core";
import type { Limits } from "@synchro/protocol";
import { StartError } from "../config/start-error.ts";
import type { InputRow } from "./input-row.ts";
import { scanChange } from "./scan-change.ts";

/** The origin's table: Django names it for the app `synchro` and the model `StockReading`. */
export const DJANGO_TABLE = "synchro_stockreading";

const djangoColumns = ["gtin", "updated_at", "expiration_date"] as const;

/** Rows asked for at a time. */
export const DJANGO_PAGE_ROWS = 1_000;

/** What a row of the origin's table says, each as text; null where nothing stands. */
export type DjangoRow = {
  readonly gtin: string | null;
  readonly updatedAt: string | null;
  readonly expirationDate: string | null;
};

/** @throws StartError naming the columns that a table does not have; `columns` empty: there is no table. */
export const checkDjangoColumns = (columns: ReadonlySet<string>): void => {
  if (columns.size === 0) {
    throw new StartError(`there is no table ${DJANGO_TABLE}: is it the origin's database?`);
  }
  const missing = djangoColumns.filter((name) => !columns.has(name));
  if (missing.length === 0) return;
  const word = missing.length === 1 ? "column" : "columns";
  throw new StartError(`table ${DJANGO_TABLE} has no ${word} ${missing.join(", ")}`);
};

const bareDate = /^\d{4}-\d{2}-\d{2}$/;

/** A date-time of Django's, which is in UTC where it has no zone, as on the wire; what is none stays as it is. */
const wireInstant = (text: string): string => {
  const instant = parseInstant(text);
  return instant === null ? text : formatStamp(instant);
};

/** A row of the origin's table as a change to `readings`. `line`: the row's number. */
export const djangoChange = (row: DjangoRow, line: number, limits: Limits): InputRow => {
  const { gtin, updatedAt, expirationDate } = row;
  const fault = (code: string, path: string, message: string): InputRow => ({
    kind: "fault",
    line,
    fault: { code, path, message },
  });
  if (gtin === null) return fault("bad_key", "/key", "gtin is NULL");
  if (updatedAt === null) {
    return fault("bad_stamp", "/updated_at", `updated_at of gtin ${JSON.stringify(gtin)} is NULL`);
  }
  const date = expirationDate;
  const value: JsonObject =
    date === null ? {} : { expiration_date: bareDate.test(date) ? date : wireInstant(date) };
  const change = {
    collection: "readings",
    key: gtin,
    updated_at: wireInstant(updatedAt),
    value,
  };
  const scan = scanChange(JSON.stringify(change), limits);
  return scan.kind === "too_large"
    ? fault("too_complex", "", `the row ${scan.message}`)
    : { kind: "change", line, change, violation: scan.violation };
};
