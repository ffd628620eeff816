import { randomBytes } from "node:crypto";
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client } from "pg";
import {
  type PostgresProcess,
  type ServerSettings,
  startProcess,
} from "../../packages/server/testing/postgres/postgres-process.ts";
import {
  postgresAccount,
  runPostgresProgram,
} from "../../packages/server/testing/postgres/postgres-program.ts";

const OWNER = "synchro_owner";
const SERVER = "synchro_app";
const DATABASE = "synchro";

type Row = { readonly [column: string]: unknown };

/** A PostgreSQL of a cluster; it keeps its port over restarts. */
export type ClusterDatabase = {
  readonly port: number;
  /** As the nodes log in. */
  readonly url: string;
  /** Statements, one after another, as a superuser; the rows of the last. */
  readonly sql: (...statements: readonly string[]) => Promise<readonly Row[]>;
  readonly stop: (how?: "fast" | "immediate" | "kill") => Promise<void>;
  readonly start: (more?: ServerSettings) => Promise<void>;
};

export type ClusterDatabases = {
  readonly primary: ClusterDatabase;
  readonly replicas: readonly ClusterDatabase[];
  /** As whoever migrates logs in. */
  readonly ownerUrl: string;
  /** The role of the nodes, which needs rights on what is migrated. */
  readonly serverRole: string;
  readonly stop: () => Promise<void>;
};

const HOST_BASED = `local all postgres trust
local replication postgres trust
host all all 127.0.0.1/32 scram-sha-256
`;

/** A folder in which PostgreSQL's user may write. */
const makeFolder = (folder: string): void => {
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o700);
  const account = postgresAccount();
  if (account !== null) chownSync(folder, account.uid, account.gid);
};

const query = async (
  folder: string,
  port: number,
  statements: readonly string[],
  database = "postgres",
): Promise<readonly Row[]> => {
  const client = new Client({ host: folder, port, user: "postgres", database });
  client.on("error", () => {});
  await client.connect();
  try {
    let rows: readonly Row[] = [];
    for (const statement of statements) ({ rows } = await client.query<Row>(statement));
    return rows;
  } finally {
    await client.end();
  }
};

/** Over a folder that holds its `data`. */
const runDatabase = async (
  folder: string,
  settings: ServerSettings,
  password: string,
): Promise<ClusterDatabase> => {
  let all = settings;
  let running: PostgresProcess = await startProcess(folder, all);
  const { port } = running;
  return {
    port,
    url: `postgres://${SERVER}:${password}@127.0.0.1:${port}/${DATABASE}`,
    sql: (...statements) => query(folder, port, statements, DATABASE),
    stop: (how = "fast") => running.end(how),
    start: async (more = {}) => {
      all = { ...all, ...more };
      running = await startProcess(folder, all, port);
    },
  };
};

/** Of the roles of a cluster's databases: drawn when its folder is made, and read again later. */
const passwordOf = (folder: string): string => {
  const file = join(folder, "password");
  if (!existsSync(file)) {
    writeFileSync(file, randomBytes(16).toString("hex"), { mode: 0o600 });
  }
  return readFileSync(file, "utf8");
};

const isMade = (folder: string): boolean => existsSync(join(folder, "data", "PG_VERSION"));

const makePrimary = async (folder: string): Promise<void> => {
  makeFolder(folder);
  const data = join(folder, "data");
  // What is started over it syncs all of it at its first checkpoint.
  const how = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-instructions", "--no-sync"];
  await runPostgresProgram("initdb", ["-D", data, ...how], folder);
  writeFileSync(join(data, "pg_hba.conf"), HOST_BASED);
};

/** Idempotent: a start may have been cut off. */
const makeRoles = async (folder: string, port: number, password: string): Promise<void> => {
  const rows = await query(folder, port, [`SELECT FROM pg_database WHERE datname = '${DATABASE}'`]);
  if (rows.length > 0) return;
  await query(folder, port, [
    `DROP ROLE IF EXISTS ${OWNER}, ${SERVER}`,
    `CREATE ROLE ${OWNER} LOGIN PASSWORD '${password}'`,
    `CREATE ROLE ${SERVER} LOGIN PASSWORD '${password}'`,
    `CREATE DATABASE ${DATABASE} OWNER ${OWNER}`,
  ]);
};

const makeReplica = async (
  folder: string,
  primary: { folder: string; port: number },
): Promise<void> => {
  makeFolder(folder);
  const from = ["-h", primary.folder, "-p", String(primary.port), "-U", "postgres"];
  const how = ["--wal-method=stream", "--checkpoint=fast", "--write-recovery-conf", "--no-sync"];
  await runPostgresProgram("pg_basebackup", ["-D", join(folder, "data"), ...from, ...how], folder);
};

/**
 * A primary and replicas that stream from it, each in a folder of its own under `folder`, made where
 * there is none. `settings` are for all of them, such as `fsync`.
 */
export const startDatabases = async (options: {
  readonly folder: string;
  readonly replicas: number;
  readonly settings: ServerSettings;
}): Promise<ClusterDatabases> => {
  const password = passwordOf(options.folder);
  const primaryFolder = join(options.folder, "primary");
  // Of whole records: a replica that was away for a while need not be made anew.
  const settings = { wal_keep_size: "256MB", max_connections: 200, ...options.settings };
  if (!isMade(primaryFolder)) await makePrimary(primaryFolder);
  const running: ClusterDatabase[] = [];
  try {
    const primary = await runDatabase(primaryFolder, settings, password);
    running.push(primary);
    await makeRoles(primaryFolder, primary.port, password);
    for (let number = 1; number <= options.replicas; number += 1) {
      const folder = join(options.folder, `replica-${number}`);
      const from = { folder: primaryFolder, port: primary.port };
      if (!isMade(folder)) await makeReplica(folder, from);
      const place = `host=${from.folder} port=${from.port} user=postgres application_name=replica_${number}`;
      running.push(await runDatabase(folder, { ...settings, primary_conninfo: place }, password));
    }
    return {
      primary,
      replicas: running.slice(1),
      ownerUrl: primary.url.replace(SERVER, OWNER),
      serverRole: SERVER,
      // The primary first: its replicas get all that it has, and then end.
      stop: async () => {
        for (const database of running) await database.stop();
      },
    };
  } catch (error) {
    for (const database of running) await database.stop("immediate");
    throw error;
  }
};
