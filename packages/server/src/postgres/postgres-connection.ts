import { Socket } from "node:net";
import type { Runtime } from "@synchro/core";
import { Client, type ClientConfig, types } from "pg";
import type { DatabaseAddress } from "./database-address.ts";
import type { DatabaseIdentity } from "./database-epoch.ts";
import { DatabaseRefusedError } from "./database-refused-error.ts";
import { messageOf } from "./postgres-failure.ts";

/** Milliseconds; 0: no bound. */
export type ConnectionTimes = {
  /** Until a connection stands and was looked at. */
  readonly connectMs: number;
  readonly statementMs: number;
  readonly lockMs: number;
  readonly idleInTransactionMs: number;
};

export type ConnectionOptions = {
  readonly address: DatabaseAddress;
  readonly runtime: Pick<Runtime, "after">;
  readonly times: ConnectionTimes;
  /** What the database's own views call us. */
  readonly applicationName: string;
  /** A `primary` must be one; a `replica` may have become one. */
  readonly role: "primary" | "replica";
  /** Whether a role is taken that row-level security does not hold. */
  readonly allowsSuperuser: boolean;
  /** Whether statements are sent before the last was answered. COPY needs a connection without. */
  readonly pipelines: boolean;
};

/** The oldest PostgreSQL that this program is tested with. */
const SERVER_VERSION_MIN = 150_000;

/** Milliseconds by which the server's own bounds may be passed before a connection counts as dead. */
const GRACE_MS = 5_000;

/**
 * Every statement has the index that answers it in order. What the database believes of a table that
 * it has not counted yet must not make it read and sort all of it instead; and where it has no
 * choice, that is no reason to compile the statement.
 */
const SESSION_OPTIONS = [
  "timezone=UTC",
  "search_path=synchro",
  "client_encoding=UTF8",
  "enable_seqscan=off",
  "enable_sort=off",
  "jit=off",
]
  .map((option) => `-c ${option}`)
  .join(" ");

const INT8 = 20;
const parsersById: { readonly [oid: number]: (text: string) => unknown } = {
  [INT8]: Number,
  [types.builtins.OID]: Number,
};
const asText = new Set<number>([
  types.builtins.JSON,
  types.builtins.JSONB,
  types.builtins.TIMESTAMP,
  types.builtins.TIMESTAMPTZ,
  types.builtins.DATE,
]);

/** Numbers as numbers, JSON and times as their text. */
const typeConfig = {
  getTypeParser: ((oid: number, format?: "text" | "binary") => {
    if (asText.has(oid)) return String;
    return parsersById[oid] ?? types.getTypeParser(oid, format);
  }) as typeof types.getTypeParser,
};

/** A connection whose database was looked at. */
export type PostgresConnection = {
  readonly client: Client;
  readonly identity: DatabaseIdentity;
  /** Whether it is of no use any more. */
  readonly isLost: () => boolean;
  /** Called once, when it is lost while nobody uses it, or somebody does. */
  readonly onLost: (listener: () => void) => void;
  /** Cuts it, at once: what waits for an answer fails. Idempotent. */
  readonly destroy: () => void;
  /** Cuts it unless `answer` comes within the server's own bounds and a little more. */
  readonly guard: <Result>(answer: Promise<Result>) => Promise<Result>;
};

/** What is acknowledged is durable, whatever the database's default for others is. */
const SESSION_SQL = `SELECT pg_is_in_recovery(), r.rolsuper OR r.rolbypassrls, c.system_identifier::text,
  CASE WHEN pg_is_in_recovery() THEN '' ELSE pg_walfile_name(pg_current_wal_lsn()) END,
  d.oid, CASE WHEN current_setting('synchronous_commit') = 'off'
    THEN set_config('synchronous_commit', 'on', false) END
  FROM pg_roles r, pg_control_system() c, pg_database d
  WHERE r.rolname = current_user AND d.datname = current_database()`;

type SessionRow = [boolean, boolean, string, string, number];

const TIMELINE_DIGITS = 8;

/** @throws DatabaseRefusedError in one line. */
const examine = async (client: Client, options: ConnectionOptions): Promise<DatabaseIdentity> => {
  const { rows: versions } = await client.query<{ server_version_num: string }>(
    "SHOW server_version_num",
  );
  const version = Number(versions[0]?.server_version_num);
  if (!(version >= SERVER_VERSION_MIN)) {
    const [is, needs] = [version, SERVER_VERSION_MIN].map((number) => Math.floor(number / 10_000));
    throw new DatabaseRefusedError(`its PostgreSQL is version ${is}: ${needs} or later is needed`);
  }
  const { rows } = await client.query<SessionRow>({ text: SESSION_SQL, rowMode: "array" });
  const [row] = rows;
  if (row === undefined) throw new Error("the session can't be looked at");
  const [isInRecovery, isAboveRules, systemIdentifier, wal, oid] = row;
  if (options.role === "primary" && isInRecovery) {
    throw new DatabaseRefusedError("it is a replica: only the primary takes changes");
  }
  if (isAboveRules && !options.allowsSuperuser) {
    throw new DatabaseRefusedError(
      `${options.address.user} is a superuser or passes row-level security: give synchro a role of its own, or say --allow-superuser`,
    );
  }
  const timeline = wal === "" ? 0 : Number.parseInt(wal.slice(0, TIMELINE_DIGITS), 16);
  return { systemIdentifier, timeline, oid };
};

/** An address as the driver takes it. */
export const clientConfigOf = (address: DatabaseAddress): ClientConfig => ({
  host: address.host,
  port: address.port,
  user: address.user,
  database: address.database,
  // A function: without one the driver would look into files by itself.
  password: () => address.password() ?? "",
  ssl: address.tls,
});

const clientOf = (options: ConnectionOptions, socket: Socket): Client => {
  const { address, times } = options;
  return new Client({
    ...clientConfigOf(address),
    stream: () => socket,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    connectionTimeoutMillis: times.connectMs,
    statement_timeout: times.statementMs,
    lock_timeout: times.lockMs,
    idle_in_transaction_session_timeout: times.idleInTransactionMs,
    application_name: options.applicationName,
    options: SESSION_OPTIONS,
    types: typeConfig,
    pipeline: options.pipelines,
  });
};

/**
 * Opens a connection and looks at what it leads to.
 *
 * @throws DatabaseRefusedError naming the database and what is wrong with it, in one line; whatever
 * the driver says of a database that can't be reached.
 */
export const openConnection = async (options: ConnectionOptions): Promise<PostgresConnection> => {
  const { runtime, times } = options;
  const socket = new Socket();
  const client = clientOf(options, socket);
  let lost = false;
  const listeners: (() => void)[] = [];
  const lose = (): void => {
    if (lost) return;
    lost = true;
    for (const listener of listeners) listener();
  };
  client.on("error", lose).on("end", lose);
  const destroy = (): void => {
    lose();
    socket.destroy();
  };
  const within = async <Result>(answer: Promise<Result>, boundMs: number): Promise<Result> => {
    if (boundMs === 0) return answer;
    const cancel = runtime.after(boundMs, destroy);
    try {
      return await answer;
    } finally {
      cancel();
    }
  };
  try {
    await client.connect();
    const identity = await within(examine(client, options), times.connectMs);
    const boundMs = times.statementMs === 0 ? 0 : times.statementMs + GRACE_MS;
    return {
      client,
      identity,
      isLost: () => lost,
      onLost: (listener) => listeners.push(listener),
      destroy,
      guard: (answer) => within(answer, boundMs),
    };
  } catch (error) {
    destroy();
    if (!(error instanceof DatabaseRefusedError)) throw error;
    throw new DatabaseRefusedError(`${options.address.shown}: ${messageOf(error)}`);
  }
};
