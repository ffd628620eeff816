import type { SpaceId, Stamp } from "@synchro/core";
import type { PurgeOutcome, PushOutcome, StorePush } from "../store.ts";

/** One thing to write. Plain data: it may cross to another thread. */
export type WriteRequest =
  | { readonly kind: "push"; readonly push: StorePush }
  | { readonly kind: "purge"; readonly space: SpaceId; readonly cutoff: Stamp };

/** What became of it. `done`: durable. `failed`: nothing of it was applied, for a reason that is not the disk's room. */
export type WriteResult =
  | { readonly kind: "pushed"; readonly outcome: PushOutcome }
  | { readonly kind: "purged"; readonly outcome: PurgeOutcome }
  | { readonly kind: "full" }
  | { readonly kind: "failed"; readonly error: unknown };

/** Where groups of requests are made durable, one group at a time. */
export interface Writer {
  /** One result a request. Rejects only if the writer is beyond use: a sync failed, or its thread is gone. */
  commit(group: readonly WriteRequest[]): Promise<readonly WriteResult[]>;
  /** Lets go of the file. Called once, with no commit under way. */
  close(): Promise<void>;
}
