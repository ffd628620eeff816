import type { CollectionName, Epoch, Seq, SpaceId, Stamp } from "@synchro/core";
import type { PushOutcome, StorePush } from "../store.ts";

/** Where a purge goes on: after this tombstone, in collections by name. */
export type PurgePlace = { readonly collection: CollectionName; readonly afterSeq: Seq };

/** What one step of a purge took, and where the next begins; null: there is none. */
export type PurgeStep = {
  readonly purged: number;
  readonly floor: Seq;
  readonly next: PurgePlace | null;
};

/** One thing to write. Plain data: it may cross to another thread. */
export type WriteRequest =
  | { readonly kind: "push"; readonly push: StorePush }
  | {
      readonly kind: "purge";
      readonly space: SpaceId;
      readonly cutoff: Stamp;
      readonly from: PurgePlace | null;
    }
  /** `space` null: in every space. */
  | { readonly kind: "begin_epoch"; readonly space: SpaceId | null; readonly drawn: Epoch }
  | {
      readonly kind: "erase";
      readonly space: SpaceId;
      readonly drawn: Epoch;
      readonly now: Stamp;
    }
  | { readonly kind: "remove_erased" };

/** What became of it. `done`: durable. `failed`: nothing of it was applied, for a reason that is not the disk's room. */
export type WriteResult =
  | { readonly kind: "pushed"; readonly outcome: PushOutcome }
  | { readonly kind: "purged"; readonly step: PurgeStep }
  | { readonly kind: "epoch_begun"; readonly spaces: number }
  | { readonly kind: "erased"; readonly isFound: boolean }
  | { readonly kind: "removed"; readonly removed: number; readonly isDone: boolean }
  | { readonly kind: "full" }
  | { readonly kind: "failed"; readonly error: unknown };

/** Where groups of requests are made durable, one group at a time. */
export interface Writer {
  /** One result a request. Rejects only if the writer is beyond use: a sync failed, or its thread is gone. */
  commit(group: readonly WriteRequest[]): Promise<readonly WriteResult[]>;
  /** Lets go of the file. Called once, with no commit under way. */
  close(): Promise<void>;
}
