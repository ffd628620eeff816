import type { CollectionName, Epoch, SpaceId, Stamp, StoredRecord } from "@synchro/core";
import { evidenceCutoff } from "../evidence-cutoff.ts";
import { StoreClosedError } from "../store-closed-error.ts";
import type {
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
import type { CommitQueue } from "./commit-queue.ts";
import type { SnapshotSource } from "./snapshot-pool.ts";
import type { SpaceReader } from "./space-reader.ts";

/** What an opening puts together; see `openSqliteStore`. */
export type SqliteStoreParts = {
  readonly options: StoreOptions;
  readonly isDurable: boolean;
  readonly epoch: Epoch;
  readonly queue: CommitQueue;
  readonly reader: SpaceReader;
  readonly snapshots: SnapshotSource;
  /** Closes the connections, the writer's last, and gives up the lock. */
  readonly letGo: () => Promise<void>;
};

/** The embedded store: writes go through one queue, reads are beside it. */
export class SqliteStore implements Store {
  readonly capabilities: { readonly isDurable: boolean };
  readonly epoch: Epoch;
  readonly #parts: SqliteStoreParts;
  readonly #declared: readonly CollectionName[];
  #closing: Promise<void> | null = null;

  constructor(parts: SqliteStoreParts) {
    this.capabilities = { isDurable: parts.isDurable };
    this.epoch = parts.epoch;
    this.#parts = parts;
    this.#declared = [...parts.options.collections.keys()].toSorted();
  }

  async push(push: StorePush): Promise<PushOutcome> {
    const result = await this.#parts.queue.submit({ kind: "push", push });
    if (result.kind === "pushed") return result.outcome;
    if (result.kind === "full") return result;
    throw result.kind === "failed" ? result.error : new Error("a push was answered as a purge");
  }

  async purge(space: SpaceId, cutoff: Stamp): Promise<PurgeOutcome> {
    const result = await this.#parts.queue.submit({ kind: "purge", space, cutoff });
    if (result.kind === "purged") return result.outcome;
    if (result.kind === "full") throw new Error("no room on the disk to purge");
    throw result.kind === "failed" ? result.error : new Error("a purge was answered as a push");
  }

  async pull(request: StorePull): Promise<PullOutcome> {
    return this.#reader().pull(request, this.#declared);
  }

  async openSnapshot(space: SpaceId): Promise<SpaceSnapshot> {
    if (this.#closing !== null) throw new StoreClosedError();
    return this.#parts.snapshots.open(space);
  }

  async listEvidence(
    space: SpaceId,
    of: Parameters<Store["listEvidence"]>[1],
  ): Promise<readonly KeptEvidence[]> {
    const { runtime, limits } = this.#parts.options;
    return this.#reader().listEvidence(space, evidenceCutoff(runtime.now(), limits), of);
  }

  async listRejections(
    space: SpaceId,
    of: Parameters<Store["listRejections"]>[1],
  ): Promise<readonly KeptRejection[]> {
    return this.#reader().listRejections(space, of);
  }

  async listHistory(
    space: SpaceId,
    of: Parameters<Store["listHistory"]>[1],
  ): Promise<readonly StoredRecord[]> {
    return this.#reader().listHistory(space, of);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #reader(): SpaceReader {
    if (this.#closing !== null) throw new StoreClosedError();
    return this.#parts.reader;
  }

  async #close(): Promise<void> {
    const { queue, snapshots, letGo } = this.#parts;
    await queue.close();
    await snapshots.close();
    await letGo();
  }
}
