import {
  type CollectionName,
  drawEpoch,
  type Epoch,
  type SpaceId,
  type SpaceState,
  type Stamp,
  type StoredRecord,
} from "@synchro/core";
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
import type { CommitQueue } from "./commit-queue.ts";
import type { SnapshotSource } from "./snapshot-pool.ts";
import type { SpaceReader } from "./space-reader.ts";
import type { PurgePlace, WriteRequest, WriteResult } from "./write-request.ts";

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

type Answered = Exclude<WriteResult, { readonly kind: "failed" }>;

const mistaken = (result: Answered): never => {
  throw new Error(`the writer answered another question: ${result.kind}`);
};

/** The embedded store: writes go through one queue, reads are beside it. */
export class SqliteStore implements Store {
  readonly capabilities: { readonly isDurable: boolean };
  readonly #parts: SqliteStoreParts;
  #epoch: Epoch;
  readonly #declared: readonly CollectionName[];
  #closing: Promise<void> | null = null;

  constructor(parts: SqliteStoreParts) {
    this.capabilities = { isDurable: parts.isDurable };
    this.#epoch = parts.epoch;
    this.#parts = parts;
    this.#declared = [...parts.options.collections.keys()].toSorted();
  }

  get epoch(): Epoch {
    return this.#epoch;
  }

  async push(push: StorePush): Promise<PushOutcome> {
    const result = await this.#submit({ kind: "push", push });
    if (result.kind === "full") return result;
    return result.kind === "pushed" ? result.outcome : mistaken(result);
  }

  async purge(space: SpaceId, cutoff: Stamp): Promise<PurgeOutcome> {
    let purged = 0;
    let floor = 0;
    let from: PurgePlace | null = null;
    for (;;) {
      const result: Answered = await this.#submit({ kind: "purge", space, cutoff, from });
      if (result.kind === "full") return { kind: "full", purged, floor };
      if (result.kind !== "purged") return mistaken(result);
      purged += result.step.purged;
      ({ floor } = result.step);
      from = result.step.next;
      if (from === null) return { kind: "purged", purged, floor };
    }
  }

  async beginEpoch(space: SpaceId | null): Promise<BeginEpochOutcome> {
    const drawn = drawEpoch(this.#parts.options.runtime);
    const result = await this.#submit({ kind: "begin_epoch", space, drawn });
    if (result.kind === "full") return result;
    if (result.kind !== "epoch_begun") return mistaken(result);
    this.#epoch = drawn;
    return { kind: "begun", epoch: drawn, spaces: result.spaces };
  }

  async eraseSpace(space: SpaceId): Promise<EraseOutcome> {
    const { runtime } = this.#parts.options;
    const drawn = drawEpoch(runtime);
    const result = await this.#submit({ kind: "erase", space, drawn, now: runtime.now() });
    if (result.kind === "full") return { kind: "full", isHidden: false };
    if (result.kind !== "erased") return mistaken(result);
    const { isFound } = result;
    if (isFound) this.#epoch = drawn;
    return (await this.removeErased())
      ? { kind: "erased", isFound }
      : { kind: "full", isHidden: true };
  }

  /** Takes off the disk what was erased; false: there is no room even for that. */
  async removeErased(): Promise<boolean> {
    for (;;) {
      const result = await this.#submit({ kind: "remove_erased" });
      if (result.kind === "full") return false;
      if (result.kind !== "removed") return mistaken(result);
      if (result.isDone) return true;
    }
  }

  async pull(request: StorePull): Promise<PullOutcome> {
    return this.#reader().pull(request, this.#declared);
  }

  async openSnapshot(space: SpaceId): Promise<SpaceSnapshot> {
    if (this.#closing !== null) throw new StoreClosedError();
    return this.#parts.snapshots.open(space);
  }

  async listSpaces(): Promise<readonly SpaceId[]> {
    return this.#reader().listSpaces();
  }

  async describeSpace(space: SpaceId): Promise<SpaceState | null> {
    return this.#reader().describe(space);
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

  /** What became of a request that did not fail. */
  async #submit(request: WriteRequest): Promise<Answered> {
    const result = await this.#parts.queue.submit(request);
    if (result.kind === "failed") throw result.error;
    return result;
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
