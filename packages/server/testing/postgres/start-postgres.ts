import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeGround } from "./ground.ts";
import { runPostgresProgram } from "./postgres-program.ts";
import { type PostgresProcess, type ServerSettings, startProcess } from "./postgres-process.ts";
import {
  APP,
  createDatabase,
  OWNER,
  PASSWORD,
  runSql,
  type ServerPlace,
  type TestDatabase,
  urlOf,
} from "./test-database.ts";

/** For tests: what a process writes outlives the process, and no machine is switched off. */
export const FAST: ServerSettings = {
  fsync: "off",
  full_page_writes: "off",
  max_connections: 200,
  shared_buffers: "32MB",
  log_min_messages: "warning",
};

/** Everything over the socket is trusted: who can reach it owns the folder. */
const HOST_BASED = `local all all trust
local replication all trust
host all all 127.0.0.1/32 scram-sha-256
host replication all 127.0.0.1/32 scram-sha-256
`;

/** A PostgreSQL of one's own, for those who stop it, kill it or copy it; else `sharedPostgres`. */
export type TestPostgres = ServerPlace & {
  readonly folder: string;
  readonly createDatabase: () => Promise<TestDatabase>;
  /** Statements in the database `postgres`, as a superuser. */
  readonly sql: (
    ...statements: readonly string[]
  ) => Promise<readonly { readonly [column: string]: unknown }[]>;
  /** The postmaster, as long as it runs. */
  readonly pid: () => number;
  /** `kill` ends all its processes by SIGKILL: what was open is lost, and nothing is tidied up. */
  readonly stop: (how?: "fast" | "immediate" | "kill") => Promise<void>;
  /** At the same place as before, after `stop`; `more` settings stay for later starts. */
  readonly start: (more?: ServerSettings) => Promise<void>;
  /** Stops it and removes its folder. Idempotent. */
  readonly dispose: () => Promise<void>;
};

/** A server over a folder that holds its `data` already. */
export const runOver = async (
  ground: { readonly folder: string; readonly remove: () => void },
  settings: ServerSettings,
): Promise<TestPostgres> => {
  const { folder } = ground;
  let all = settings;
  let running: PostgresProcess = await startProcess(folder, all);
  const place = { port: running.port, socket: folder };
  return {
    ...place,
    folder,
    createDatabase: () => createDatabase(place),
    sql: (...statements) => runSql(urlOf(place, "postgres", "postgres"), statements),
    pid: () => running.pid,
    stop: (how = "fast") => running.end(how),
    start: async (more = {}) => {
      all = { ...all, ...more };
      running = await startProcess(folder, all, place.port);
    },
    dispose: async () => {
      await running.end("immediate");
      ground.remove();
    },
  };
};

/** Starts a new, empty server with the roles of the tests. The caller disposes of it. */
export const startPostgres = async (settings: ServerSettings = {}): Promise<TestPostgres> => {
  const ground = makeGround();
  try {
    const { folder } = ground;
    const data = join(folder, "data");
    const how = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--no-instructions"];
    await runPostgresProgram("initdb", ["-D", data, ...how], folder);
    writeFileSync(join(data, "pg_hba.conf"), HOST_BASED);
    const server = await runOver(ground, { ...FAST, ...settings });
    const secret = PASSWORD.replaceAll("'", "''");
    await server.sql(
      `CREATE ROLE ${OWNER} LOGIN PASSWORD '${secret}'`,
      `CREATE ROLE ${APP} LOGIN PASSWORD '${secret}'`,
    );
    return server;
  } catch (error) {
    ground.remove();
    throw error;
  }
};
