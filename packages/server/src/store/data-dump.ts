import type { CollectionName, SpaceId, SpaceState, Stamp, StoredRecord } from "@synchro/core";
import type { KeptEvidence, KeptRejection } from "./store.ts";

export type DumpedRecord = {
  readonly space: SpaceId;
  readonly record: StoredRecord;
  /** When a tombstone was committed; null: it is none. */
  readonly buriedAt: Stamp | null;
};

export type DumpedVersion = { readonly space: SpaceId; readonly record: StoredRecord };

/** `n` ascends in the order in which a space's were kept; the hash is SHA-256 of the value, in hexadecimal. */
export type DumpedEvidence = KeptEvidence & {
  readonly space: SpaceId;
  readonly n: number;
  readonly valueHash: string;
};

/** The fingerprint tells refusals apart as the engines do, in hexadecimal. */
export type DumpedRejection = KeptRejection & {
  readonly space: SpaceId;
  readonly n: number;
  readonly fingerprint: string;
};

/** All that an engine keeps, of one moment, as another one takes it over. Rows are read as they are asked for. */
export type DataDump = {
  readonly declared: readonly CollectionName[];
  readonly spaces: readonly { readonly space: SpaceId; readonly state: SpaceState }[];
  readonly records: () => Iterable<DumpedRecord>;
  readonly history: () => Iterable<DumpedVersion>;
  readonly evidence: () => Iterable<DumpedEvidence>;
  readonly rejections: () => Iterable<DumpedRejection>;
};
