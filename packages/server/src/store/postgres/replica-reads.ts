import type { CollectionName, Runtime } from "@synchro/core";
import type { PostgresPool } from "../../postgres/postgres-pool.ts";
import type { Statement } from "../../postgres/statement.ts";
import type { StorePull } from "../store.ts";
import { type ReadPull, readPull } from "./read-pull.ts";

/** A database that follows the primary. */
export type Replica = {
  /** For people and metrics. */
  readonly name: string;
  readonly pool: PostgresPool;
};

/** Milliseconds that a replica may take before the primary is asked instead. */
const PATIENCE_MS = 500;
/** Milliseconds for which one that failed is left alone, the first time and at most. */
const REST_MIN_MS = 1_000;
const REST_MAX_MS = 30_000;
/** The same for one that is behind: most are so for a moment. */
const BEHIND_MS = 20;

export type ReplicaFigures = {
  readonly name: string;
  /** Pulls that it answered. */
  readonly answered: number;
  /** Pulls that it could not answer yet, or may not: the primary did. */
  readonly behind: number;
  /** Pulls in which it failed or took too long: the primary did. */
  readonly failed: number;
};

/** How far a replica is behind; nulls: it can't be asked. */
export type ReplicaLag = {
  readonly name: string;
  /** Of the primary's log. */
  readonly bytes: number | null;
  /** Since the last transaction that it has applied, if it lacks any. */
  readonly seconds: number | null;
};

const presentPlace: Statement = {
  name: "present_place",
  text: "SELECT (pg_current_wal_lsn() - '0/0'::pg_lsn)::bigint",
};

const appliedPlace: Statement = {
  name: "applied_place",
  text: `SELECT (pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint,
    extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8`,
};

type Candidate = Replica & {
  answered: number;
  behind: number;
  failed: number;
  /** Failures in a row. */
  failures: number;
  restsUntilMs: number;
};

type Times = Pick<Runtime, "after" | "monotonicMs">;

/** Rejects after a while. What it waited for goes on, and is nobody's any more. */
const within = <Result>(times: Times, answer: Promise<Result>, boundMs: number): Promise<Result> =>
  new Promise((resolve, reject) => {
    const cancel = times.after(boundMs, () => reject(new Error("a replica takes too long")));
    answer.then(resolve, reject).finally(cancel);
  });

/**
 * Whether what a replica has read may be told. Its snapshot must hold all that the asker has seen
 * or had acknowledged: then cursor and ack are valid in it, and no reset is due. Whether they are
 * invalid for good, or not yet there, is for the primary to say. Spec: RESET-1.
 */
const mayTell = ({ outcome, isFound }: ReadPull, request: StorePull): boolean =>
  isFound && outcome.reset === null && outcome.head >= (request.seqMin ?? 0);

/**
 * Pulls answered by replicas, in turn. One that lags, stalls or is gone costs time, never a change:
 * the state that decides and the page are read in one snapshot, and the decision comes after the read.
 */
export class ReplicaReads {
  readonly #candidates: readonly Candidate[];
  readonly #primary: PostgresPool;
  readonly #times: Times;
  #turn = 0;

  constructor(replicas: readonly Replica[], primary: PostgresPool, times: Times) {
    this.#candidates = replicas.map(({ name, pool }) => ({
      name,
      pool,
      answered: 0,
      behind: 0,
      failed: 0,
      failures: 0,
      restsUntilMs: Number.NEGATIVE_INFINITY,
    }));
    this.#primary = primary;
    this.#times = times;
  }

  /** Null: the primary must answer. */
  async pull(request: StorePull, declared: readonly CollectionName[]): Promise<ReadPull | null> {
    // What belongs to changes of the same request is in a commit of a moment ago.
    if (request.startMax !== undefined || request.told.size > 0) return null;
    const candidate = this.#next();
    if (candidate === null) return null;
    let read: ReadPull;
    try {
      const reading = candidate.pool.read({ space: request.space }, (tx) =>
        readPull(tx, request, declared),
      );
      read = await within(this.#times, reading, PATIENCE_MS);
    } catch {
      const { failures } = candidate;
      candidate.failed += 1;
      candidate.failures += 1;
      this.#rest(candidate, Math.min(REST_MAX_MS, REST_MIN_MS * 2 ** failures));
      return null;
    }
    candidate.failures = 0;
    if (!mayTell(read, request)) {
      candidate.behind += 1;
      this.#rest(candidate, BEHIND_MS);
      return null;
    }
    candidate.answered += 1;
    return read;
  }

  figures(): readonly ReplicaFigures[] {
    return this.#candidates.map(({ name, answered, behind, failed }) => ({
      name,
      answered,
      behind,
      failed,
    }));
  }

  /** Asks the primary, then every replica. Never rejects. */
  async measureLag(): Promise<readonly ReplicaLag[]> {
    let present: number | null = null;
    if (this.#candidates.length > 0) {
      present = await this.#primary
        .read({ space: "*" }, (tx) => tx.read<readonly [number]>(presentPlace))
        .then(([row]) => row?.[0] ?? null)
        .catch(() => null);
    }
    return Promise.all(
      this.#candidates.map(async ({ name, pool }): Promise<ReplicaLag> => {
        try {
          const reading = pool.read({ space: "*" }, (tx) =>
            tx.read<readonly [number, number | null]>(appliedPlace),
          );
          const [row] = await within(this.#times, reading, PATIENCE_MS);
          if (row === undefined || present === null) return { name, bytes: null, seconds: null };
          const bytes = Math.max(0, present - row[0]);
          return { name, bytes, seconds: bytes === 0 ? 0 : row[1] };
        } catch {
          return { name, bytes: null, seconds: null };
        }
      }),
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.#candidates.map(({ pool }) => pool.close()));
  }

  /** The next in turn that does not rest. */
  #next(): Candidate | null {
    const now = this.#times.monotonicMs();
    for (let tried = 0; tried < this.#candidates.length; tried += 1) {
      this.#turn = (this.#turn + 1) % this.#candidates.length;
      const candidate = this.#candidates[this.#turn];
      if (candidate !== undefined && candidate.restsUntilMs <= now) return candidate;
    }
    return null;
  }

  #rest(candidate: Candidate, restMs: number): void {
    candidate.restsUntilMs = this.#times.monotonicMs() + restMs;
  }
}
