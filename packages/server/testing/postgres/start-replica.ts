import { join } from "node:path";
import { makeGround } from "./ground.ts";
import { pause } from "./pause.ts";
import type { ServerSettings } from "./postgres-process.ts";
import { runPostgresProgram } from "./postgres-program.ts";
import { FAST, runOver, type TestPostgres } from "./start-postgres.ts";

const CATCHES_UP_WITHIN_MS = 30_000;

/** A standby that streams from a primary. */
export type TestReplica = TestPostgres & {
  /** What comes is kept, and not applied, until `resume`. */
  readonly pauseReplay: () => Promise<void>;
  readonly resumeReplay: () => Promise<void>;
  /** What comes is applied so many milliseconds after it was committed. */
  readonly delayReplay: (ms: number) => Promise<void>;
  /** Makes it a primary, on a timeline of its own. */
  readonly promote: () => Promise<void>;
  /** Waits until it has applied all that the primary has now. */
  readonly catchUp: () => Promise<void>;
};

/**
 * Starts a streaming copy of a server, under a name that `synchronous_standby_names` of the primary
 * may hold. The caller disposes of it, before the primary or after.
 */
export const startReplica = async (
  primary: TestPostgres,
  name = "replica",
  settings: ServerSettings = {},
): Promise<TestReplica> => {
  const ground = makeGround();
  try {
    const data = join(ground.folder, "data");
    const source = `host=${primary.socket} port=${primary.port} user=postgres application_name=${name}`;
    const how = ["-R", "-X", "stream", "-c", "fast", "--no-sync"];
    await runPostgresProgram("pg_basebackup", ["-D", data, "-d", source, ...how], ground.folder);
    const server = await runOver(ground, { ...FAST, hot_standby_feedback: "on", ...settings });
    const sql = async (text: string): Promise<void> => void (await server.sql(text));
    return {
      ...server,
      pauseReplay: () => sql("SELECT pg_wal_replay_pause()"),
      resumeReplay: () => sql("SELECT pg_wal_replay_resume()"),
      delayReplay: async (ms) => {
        await sql(`ALTER SYSTEM SET recovery_min_apply_delay = ${ms}`);
        await sql("SELECT pg_reload_conf()");
      },
      promote: () => sql("SELECT pg_promote()"),
      catchUp: async () => {
        const [row] = await primary.sql("SELECT pg_current_wal_lsn()::text AS lsn");
        for (let waitedMs = 0; waitedMs < CATCHES_UP_WITHIN_MS; waitedMs += 10) {
          const [applied] = await server.sql(
            `SELECT pg_last_wal_replay_lsn() >= '${String(row?.["lsn"])}' AS all`,
          );
          if (applied?.["all"] === true) return;
          await pause(10);
        }
        throw new Error(`${name} does not catch up`);
      },
    };
  } catch (error) {
    ground.remove();
    throw error;
  }
};

/** Lets commits of a primary wait for a standby of a name; null: for none. */
export const setSynchronous = async (primary: TestPostgres, name: string | null): Promise<void> => {
  await primary.sql(
    `ALTER SYSTEM SET synchronous_standby_names = '${name ?? ""}'`,
    "SELECT pg_reload_conf()",
  );
  for (;;) {
    const [row] = await primary.sql("SHOW synchronous_standby_names");
    if (row?.["synchronous_standby_names"] === (name ?? "")) return;
    await pause(10);
  }
};
