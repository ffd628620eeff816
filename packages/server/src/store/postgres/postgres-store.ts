import {
  type CollectionName,
  drawEpoch,
  type Epoch,
  type SpaceId,
  type SpaceState,
  type Stamp,
  type StoredRecord,
} from "@synchro/core";
import type { PostgresPool } from "../../postgres/postgres-pool.ts";
import type { PostgresReader } from "../../postgres/postgres-transaction.ts";
import { evidenceCutoff } from "../evidence-cutoff.ts";
import { StoreClosedError } from "../store-closed-error.ts";
import type {
  BeginEpochOutcome,
  EraseOutcome,
  KeptEvidence,
  KeptRejection,
  PullOutcome,
  PurgeOutcome,
  PushOutcome,
  SpaceSnapshot,
  Store,
  StoreOptions,
  StorePull,
  StorePush,
} from "../store.ts";
import { beginEpoch } from "./begin-epoch.ts";
import { beginEraOf, removeErased } from "./erase-space.ts";
import { listEvidence, listHistory, listRejections } from "./kept-reader.ts";
import { PostgresSnapshot } from "./postgres-snapshot.ts";
import { purgeSpace } from "./purge-space.ts";
import type { PushQueue } from "./push-queue.ts";
import { readPull } from "./read-pull.ts";
import type { ReplicaFigures, ReplicaLag, ReplicaReads } from "./replica-reads.ts";
import { listAll, load } from "./space-tables.ts";

/** What an opening puts together; see `openPostgresStore`. */
export type PostgresStoreParts = {
  readonly options: StoreOptions;
  readonly epoch: Epoch;
  readonly pool: PostgresPool;
  /** Connections that are held for long: so that reads which take their time leave the others theirs. */
  readonly snapshots: PostgresPool;
  readonly queue: PushQueue;
  readonly replicas: ReplicaReads;
};

/** Who answered pulls. */
export type ReadFigures = {
  readonly primary: number;
  readonly replicas: readonly ReplicaFigures[];
};

/**
 * Records in PostgreSQL, for any number of nodes at once. It remembers nothing of what the tables
 * hold: another node may have changed it a moment ago.
 */
export class PostgresStore implements Store {
  readonly capabilities = { isDurable: true } as const;
  readonly #parts: PostgresStoreParts;
  #epoch: Epoch;
  /** As the database told them last: what a pull expects to find. */
  #declared: readonly CollectionName[];
  /** Pulls that the primary answered. */
  #pulls = 0;
  readonly #begun = new Set<Promise<unknown>>();
  #closing: Promise<void> | null = null;

  constructor(parts: PostgresStoreParts) {
    this.#parts = parts;
    this.#epoch = parts.epoch;
    this.#declared = [...parts.options.collections.keys()].toSorted();
  }

  get epoch(): Epoch {
    return this.#epoch;
  }

  async push(push: StorePush): Promise<PushOutcome> {
    return this.#parts.queue.submit(push);
  }

  async pull(request: StorePull): Promise<PullOutcome> {
    if (this.#closing !== null) throw new StoreClosedError();
    const expected = this.#declared;
    let read = await this.#parts.replicas.pull(request, expected);
    if (read === null) {
      read = await this.#read(request.space, (tx) => readPull(tx, request, expected));
      this.#pulls += 1;
      // A replica may not have heard of the last opening.
      this.#declared = read.declared;
    }
    return read.outcome;
  }

  async openSnapshot(space: SpaceId): Promise<SpaceSnapshot> {
    if (this.#closing !== null) throw new StoreClosedError();
    return PostgresSnapshot.open(await this.#parts.snapshots.openSnapshot({ space }), space);
  }

  async listSpaces(): Promise<readonly SpaceId[]> {
    return this.#read("*", listAll);
  }

  async describeSpace(space: SpaceId): Promise<SpaceState | null> {
    return this.#read(space, async (tx) => (await load(tx, space))?.state ?? null);
  }

  async listEvidence(
    space: SpaceId,
    of: Parameters<Store["listEvidence"]>[1],
  ): Promise<readonly KeptEvidence[]> {
    const { runtime, limits } = this.#parts.options;
    const cutoff = evidenceCutoff(runtime.now(), limits);
    return this.#read(space, (tx) => listEvidence(tx, space, cutoff, of));
  }

  async listRejections(
    space: SpaceId,
    of: Parameters<Store["listRejections"]>[1],
  ): Promise<readonly KeptRejection[]> {
    return this.#read(space, (tx) => listRejections(tx, space, of));
  }

  async listHistory(
    space: SpaceId,
    of: Parameters<Store["listHistory"]>[1],
  ): Promise<readonly StoredRecord[]> {
    return this.#read(space, (tx) => listHistory(tx, space, of));
  }

  async purge(space: SpaceId, cutoff: Stamp): Promise<PurgeOutcome> {
    const { pool, options } = this.#parts;
    return this.#track(() => purgeSpace(pool, space, cutoff, options.runtime));
  }

  async beginEpoch(space: SpaceId | null): Promise<BeginEpochOutcome> {
    const { pool, options } = this.#parts;
    return this.#track(async () => {
      const { sha256 } = options.runtime;
      const of = { drawn: drawEpoch(options.runtime), isFinal: false, sha256 };
      const outcome = await pool.transaction({ space: space ?? "*" }, (tx) =>
        beginEpoch(tx, space, of),
      );
      if (outcome.kind === "full") return outcome;
      this.#epoch = outcome.result.epoch;
      return { kind: "begun", ...outcome.result };
    });
  }

  async eraseSpace(space: SpaceId): Promise<EraseOutcome> {
    const { pool, options } = this.#parts;
    return this.#track(async () => {
      const { runtime } = options;
      const of = { drawn: drawEpoch(runtime), now: runtime.now(), sha256: runtime.sha256 };
      const outcome = await pool.transaction({ space }, (tx) => beginEraOf(tx, space, of));
      if (outcome.kind === "full") return { kind: "full", isHidden: false };
      const isFound = outcome.result !== null;
      if (outcome.result !== null) this.#epoch = outcome.result;
      return (await removeErased(pool, space))
        ? { kind: "erased", isFound }
        : { kind: "full", isHidden: true };
    });
  }

  readFigures(): ReadFigures {
    return { primary: this.#pulls, replicas: this.#parts.replicas.figures() };
  }

  /** How far each replica is behind, asked for now. */
  measureLag(): Promise<readonly ReplicaLag[]> {
    return this.#parts.replicas.measureLag();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #read<Result>(
    space: SpaceId | "*",
    work: (tx: PostgresReader) => Promise<Result>,
  ): Promise<Result> {
    if (this.#closing !== null) throw new StoreClosedError();
    return this.#parts.pool.read({ space }, work);
  }

  /** Work of several transactions, for which `close` waits. */
  async #track<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#closing !== null) throw new StoreClosedError();
    const begun = work();
    this.#begun.add(begun);
    try {
      return await begun;
    } finally {
      this.#begun.delete(begun);
    }
  }

  async #close(): Promise<void> {
    const { pool, snapshots, queue, replicas } = this.#parts;
    await queue.close();
    await Promise.allSettled(this.#begun);
    await Promise.all([pool.close(), snapshots.close(), replicas.close()]);
  }
}
