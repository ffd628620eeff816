import type {
  CollectionName,
  RefusedEvidence,
  SpaceId,
  SpaceState,
  Stamp,
  StoredRecord,
} from "@synchro/core";
import type { KeptEvidence, KeptRejection } from "../store.ts";

export type MemoryRecord = { readonly record: StoredRecord; readonly committedAt: Stamp };

/** All that a space holds at one moment. Never altered: a commit puts another in its place. */
export type SpaceImage = {
  readonly state: SpaceState;
  /** By `recordId`, tombstones included. */
  readonly records: ReadonlyMap<string, MemoryRecord>;
  /** The oldest first, as are the rejections and the history. */
  readonly evidence: readonly KeptEvidence[];
  readonly rejections: readonly (KeptRejection & RefusedEvidence)[];
  readonly history: readonly StoredRecord[];
};

/**
 * What outlives a store in memory, as a disk outlives a process: a simulation kills a store, and
 * opens another over the same disk. A commit reaches it whole, at one moment, or not at all.
 */
export class MemoryDisk {
  spaces: ReadonlyMap<SpaceId, SpaceImage> = new Map();
  /** What was declared at the last opening. */
  declared: ReadonlySet<CollectionName> = new Set();
  /** Bytes of records that fit; a push that would grow past them finds the disk full. May be changed at any time. */
  bytesMax = Number.POSITIVE_INFINITY;
  /** The last store that was opened: an earlier one, killed and forgotten, can commit nothing more. */
  owner: object | null = null;
}
