import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { Limits } from "@synchro/protocol";
import { StartError } from "../config/start-error.ts";
import {
  checkDjangoColumns,
  DJANGO_PAGE_ROWS,
  DJANGO_TABLE,
  djangoChange,
  type DjangoRow,
} from "./django-row.ts";
import type { InputRow } from "./input-row.ts";
import type { InputSource } from "./input-source.ts";

const BUSY_MS_MAX = 10_000;

/** What SQLite complains of, in one line without the file's name. */
const failure = (error: unknown): unknown =>
  error instanceof Error && "errcode" in error
    ? new StartError(`can't be read: ${error.message}`)
    : error;

const openDatabase = (file: string): DatabaseSync => {
  if (!existsSync(file)) throw new StartError(`${file}: can't be read: there is no such file`);
  try {
    return new DatabaseSync(file, { readOnly: true, timeout: BUSY_MS_MAX });
  } catch (error) {
    throw new StartError(`${file}: can't be read: ${String(error)}`);
  }
};

type Row = { readonly place: bigint } & DjangoRow;

const PAGE_SQL = `SELECT rowid AS place, CAST(gtin AS TEXT) AS gtin, CAST(updated_at AS TEXT) AS updatedAt,
  CAST(expiration_date AS TEXT) AS expirationDate
  FROM ${DJANGO_TABLE} WHERE rowid > ? ORDER BY rowid LIMIT ${DJANGO_PAGE_ROWS}`;

/**
 * Each page is a read of its own: a long one would keep the application, which may still be in use,
 * from writing. What it writes meanwhile comes with this import or with the next.
 */
async function* readRows(database: DatabaseSync, limits: Limits): AsyncGenerator<InputRow> {
  try {
    const page = database.prepare(PAGE_SQL);
    page.setReadBigInts(true);
    let after = -(2n ** 63n);
    let line = 0;
    for (;;) {
      const rows = page.all(after) as unknown as readonly Row[];
      for (const row of rows) {
        line += 1;
        yield djangoChange(row, line, limits);
        after = row.place;
      }
      if (rows.length < DJANGO_PAGE_ROWS) return;
    }
  } catch (error) {
    throw failure(error);
  } finally {
    database.close();
  }
}

/**
 * The readings in the origin's SQLite database, which is only read.
 *
 * @throws StartError naming the file and what it lacks.
 */
export const openDjangoSqlite = (file: string, limits: Limits): InputSource => {
  const database = openDatabase(file);
  try {
    const columns = database.prepare(`PRAGMA table_info(${DJANGO_TABLE})`).all();
    checkDjangoColumns(new Set(columns.map(({ name }) => String(name))));
    const total = Number(
      database.prepare(`SELECT count(*) AS n FROM ${DJANGO_TABLE}`).get()?.["n"],
    );
    let read = 0;
    async function* rows(): AsyncGenerator<InputRow> {
      for await (const row of readRows(database, limits)) {
        read += 1;
        yield row;
      }
    }
    return { rows: rows(), share: () => (total === 0 ? null : read / total), name: file };
  } catch (error) {
    database.close();
    const told = failure(error);
    throw told instanceof StartError ? new StartError(`${file}: ${told.message}`) : told;
  }
};
