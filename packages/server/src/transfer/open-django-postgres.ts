import type { Limits } from "@synchro/protocol";
import { Client } from "pg";
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
import { untilAborted } from "./stop-signal.ts";

const CONNECT_MS_MAX = 10_000;

/** The address without name and password. */
const shownUrl = (source: string): string => {
  const url = URL.canParse(source) ? new URL(source) : null;
  return url === null ? "postgres://…" : `postgres://${url.host}${url.pathname}`;
};

/** A message of the driver or the server, from which a password is taken out wherever it may stand. */
const failure = (error: unknown, source: string): StartError => {
  const message = error instanceof Error && error.message !== "" ? error.message : String(error);
  const password = URL.canParse(source) ? new URL(source).password : "";
  const secrets = [source, password, safeDecode(password), process.env["PGPASSWORD"] ?? ""];
  const told = secrets
    .filter((secret) => secret !== "")
    .reduce((text, secret) => text.replaceAll(secret, "…"), message);
  return new StartError(`can't be read: ${told}`);
};

const safeDecode = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

type Column = { readonly name: string; readonly type: string };

const COLUMNS_SQL = `SELECT column_name AS name, data_type AS type FROM information_schema.columns
  WHERE table_name = '${DJANGO_TABLE}' AND table_schema = ANY (current_schemas(false))`;

/** An expression for a column's text: dates bare, times in UTC to the microsecond. */
const textOf = (columns: readonly Column[], name: string): string => {
  const type = columns.find((column) => column.name === name)?.type ?? "";
  if (type === "date") return `to_char(${name}, 'YYYY-MM-DD')`;
  if (type.startsWith("timestamp")) return `to_char(${name}, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
  return `${name}::text`;
};

type Opened = { readonly client: Client; readonly total: number };

/** One moment of the table, behind a cursor: memory stays flat, and nothing is written or locked. */
const begin = async (client: Client): Promise<number> => {
  await client.connect();
  await client.query("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY");
  await client.query("SET LOCAL TIME ZONE 'UTC'");
  const { rows: columns } = await client.query<Column>(COLUMNS_SQL);
  checkDjangoColumns(new Set(columns.map(({ name }) => name)));
  const { rows } = await client.query<{ n: string }>(`SELECT count(*) AS n FROM ${DJANGO_TABLE}`);
  await client.query(`DECLARE origin NO SCROLL CURSOR FOR SELECT gtin::text AS gtin,
    ${textOf(columns, "updated_at")} AS "updatedAt",
    ${textOf(columns, "expiration_date")} AS "expirationDate" FROM ${DJANGO_TABLE}`);
  return Number(rows[0]?.n ?? 0);
};

const open = async (source: string): Promise<Opened> => {
  let client: Client;
  try {
    client = new Client({
      connectionString: source,
      connectionTimeoutMillis: CONNECT_MS_MAX,
      application_name: "synchro import",
    });
  } catch (error) {
    throw failure(error, source);
  }
  // A connection that is lost is told by the query that needed it.
  client.on("error", () => {});
  try {
    return { client, total: await begin(client) };
  } catch (error) {
    await client.end().catch(() => {});
    throw error instanceof StartError ? error : failure(error, source);
  }
};

async function* readPages(client: Client, source: string): AsyncGenerator<readonly DjangoRow[]> {
  try {
    for (;;) {
      const { rows } = await client.query<DjangoRow>(`FETCH ${DJANGO_PAGE_ROWS} FROM origin`);
      if (rows.length > 0) yield rows;
      if (rows.length < DJANGO_PAGE_ROWS) return;
    }
  } catch (error) {
    throw failure(error, source);
  } finally {
    await client.end().catch(() => {});
  }
}

/**
 * The readings in the origin's PostgreSQL database, as they are at one moment. `source` is an address
 * as `pg` takes it; a password that it does not hold comes from PGPASSWORD or `~/.pgpass`, and is
 * told nowhere.
 *
 * @throws StartError naming the database and what it lacks.
 */
export const openDjangoPostgres = async (
  source: string,
  limits: Limits,
  signal: AbortSignal,
): Promise<InputSource> => {
  const name = shownUrl(source);
  let opened: Opened;
  try {
    opened = await open(source);
  } catch (error) {
    if (error instanceof StartError) throw new StartError(`${name}: ${error.message}`);
    throw error;
  }
  const { client, total } = opened;
  let read = 0;
  async function* rows(): AsyncGenerator<InputRow> {
    for await (const page of untilAborted(readPages(client, source), signal)) {
      for (const row of page) {
        read += 1;
        yield djangoChange(row, read, limits);
      }
    }
  }
  return { rows: rows(), share: () => (total === 0 ? null : read / total), name };
};
