import type {
  ChangeResult,
  CollectionName,
  CursorPosition,
  Digest,
  Epoch,
  EpochPosition,
  Evidence,
  MergeRules,
  PullRequest,
  PushChange,
  Rejection,
  Reset,
  Runtime,
  Seq,
  SpaceId,
  SpaceState,
  Stamp,
  StoredRecord,
} from "@synchro/core";
import type { Limits } from "@synchro/protocol";

/** What a store must know of a declared collection. */
export type StoredCollection = { readonly merge: MergeRules; readonly keepsHistory: boolean };

/**
 * What every engine is opened with. A collection that is declared now, was not at the last opening,
 * and holds records gives them new seqs in every space, in the opening's own transaction, so that
 * cursors over "all" have not passed them.
 */
export type StoreOptions = {
  readonly runtime: Runtime;
  readonly collections: ReadonlyMap<CollectionName, StoredCollection>;
  readonly limits: Limits;
  /** Told of each transaction of pushes once it is durable: how many shared it, and the records that they changed. */
  readonly onCommit?: (commit: { readonly pushes: number; readonly records: number }) => void;
};

export type StorePush = {
  readonly space: SpaceId;
  readonly changes: readonly PushChange[];
  /** False for `/v1`. See `PushPlanInput`. */
  readonly checksClocks: boolean;
  readonly clientId: string | null;
  readonly now: Stamp;
  /** What the asker has seen of this data. See `PushPlanInput`. */
  readonly positions?: readonly EpochPosition[] | undefined;
};

export type PushOutcome =
  | {
      readonly kind: "committed";
      /** One a change, in order; a prefix where the records that beat changes passed `lostBytesMax`. */
      readonly results: readonly ChangeResult[];
      readonly lostTo: readonly StoredRecord[];
      /** The last listed epoch and the head of the snapshot that the push left. */
      readonly position: EpochPosition;
      /** Records really changed: 0 wakes nobody. */
      readonly changed: number;
    }
  /** The disk or a quota is full. Nothing of the request was applied; later requests may pass. */
  | { readonly kind: "full" };

export type StorePull = PullRequest & {
  readonly space: SpaceId;
  readonly recordsMax: number;
  readonly bytesMax: number;
  /** Seqs told by `results` of the same answer: left out of the page. */
  readonly told: ReadonlySet<Seq>;
  /**
   * A head that the asker was told of: an engine that may read from a copy which lags takes one that
   * has come this far, or the original. Never an excuse to answer late.
   */
  readonly seqMin?: Seq;
};

export type PullOutcome = {
  readonly reset: Reset | null;
  /** By ascending seq; tombstones as the pull's run asks for them. */
  readonly records: readonly StoredRecord[];
  readonly more: boolean;
  /** Null if the space does not exist. */
  readonly position: CursorPosition | null;
  readonly head: Seq;
  /** The digests of the collections asked for (all that are declared), empty ones included, by name; of this very snapshot. */
  readonly digests: ReadonlyMap<CollectionName, Digest>;
};

export type KeptEvidence = Evidence & { readonly clientId: string | null; readonly keptAt: Stamp };

export type KeptRejection = {
  readonly clientId: string | null;
  readonly rejection: Rejection;
  /** The change as JSON text; null where it was too large to keep. */
  readonly body: string | null;
  readonly keptAt: Stamp;
};

/** `full`: there was no room for all of it; what was purged until then, as told here, stands. */
export type PurgeOutcome = {
  readonly kind: "purged" | "full";
  readonly purged: number;
  readonly floor: Seq;
};

/** `full`: there was no room, and nothing was done. */
export type BeginEpochOutcome =
  | { readonly kind: "begun"; readonly epoch: Epoch; readonly spaces: number }
  | { readonly kind: "full" };

/**
 * `erased`: nothing of it can be read any more, and the disk holds nothing of it. `full`: there was
 * no room; `isHidden` tells whether nothing of it can be read any more.
 */
export type EraseOutcome =
  | { readonly kind: "erased"; readonly isFound: boolean }
  | { readonly kind: "full"; readonly isHidden: boolean };

/**
 * One moment of a space, held for a long read. Everything it answers is of that moment. The caller
 * closes it, soon, in every case: an open snapshot keeps an engine from tidying up.
 */
export interface SpaceSnapshot {
  /** Null if the space does not exist; then every read is empty. */
  readonly state: SpaceState | null;
  /** The stored versions of `keys`, tombstones included, in the order of `keys`; absent ones are left out. */
  lookup(collection: CollectionName, keys: readonly string[]): Promise<readonly StoredRecord[]>;
  /**
   * The live records of a collection with `stamp > afterStamp` (null: all) and `seq > afterSeq`,
   * newest stamp first, ties by key in code point order, in chunks of bounded size (about 256 KiB
   * or one record). Memory stays flat however many there are. By stamp it uses an index on space
   * and stamp; with `afterSeq` above 0 its cost is what changed, not what exists.
   */
  liveByStamp(
    collection: CollectionName,
    filter: { readonly afterStamp: Stamp | null; readonly afterSeq: Seq },
  ): AsyncIterable<readonly StoredRecord[]>;
  /** Idempotent. */
  close(): Promise<void>;
}

/**
 * Where records live. Coarse on purpose: the engine owns the transaction, loads what a push names,
 * hands it to core's pure planner, writes the plan, and answers once that is durable.
 *
 * Guarantees of every engine (`store.contract.ts`):
 * - `push` is one transaction: records, head, epochs, digests, evidence, rejections and history all
 *   change or none does. It resolves only when the transaction is durable (as far as the engine is).
 *   Pushes that wait may share a commit; one that fails leaves its neighbours standing.
 * - Seqs are handed out in commit order per space. Who reads head n sees every change up to n that
 *   was not since replaced.
 * - A push creates its space if it has a change, refused ones included.
 * - `pull` and a snapshot each read one moment, at or after every push that was answered before.
 * - After any failed call the store still answers, with nothing half-applied. A failed fsync is the
 *   exception: what the disk holds is then unknown, and the process ends.
 *
 * Duties of the caller: changes have passed the data rules; names are of declared collections; the
 * caller awaits open calls before `close`.
 */
export interface Store {
  /** Engines differ by these and by nothing else that a caller may see. */
  readonly capabilities: {
    /** Whether a second opening finds what the first had answered. */
    readonly isDurable: boolean;
  };
  /** The epoch that this opening drew, or began since. */
  readonly epoch: Epoch;
  push(request: StorePush): Promise<PushOutcome>;
  pull(request: StorePull): Promise<PullOutcome>;
  openSnapshot(space: SpaceId): Promise<SpaceSnapshot>;
  /** Every space that holds, or held, anything, by id: its records may all be gone. */
  listSpaces(): Promise<readonly SpaceId[]>;
  /**
   * What a space is besides its records, at one moment, at or after every push that was answered
   * before; null if it does not exist. Cheap: nothing of it is counted when it is asked for.
   */
  describeSpace(space: SpaceId): Promise<SpaceState | null>;
  /** The newest first; `key` null: of the whole collection. At most `limit`. */
  listEvidence(
    space: SpaceId,
    of: {
      readonly collection: CollectionName;
      readonly key: string | null;
      readonly limit: number;
    },
  ): Promise<readonly KeptEvidence[]>;
  /** The newest first; `clientId` null: of all clients. At most `limit`. */
  listRejections(
    space: SpaceId,
    of: { readonly clientId: string | null; readonly limit: number },
  ): Promise<readonly KeptRejection[]>;
  /** Every version that a push wrote while the collection declared history, the newest first, below `beforeSeq` (null: all). At most `limit`. */
  listHistory(
    space: SpaceId,
    of: {
      readonly collection: CollectionName;
      readonly key: string;
      readonly beforeSeq: Seq | null;
      readonly limit: number;
    },
  ): Promise<readonly StoredRecord[]>;
  /**
   * Removes the tombstones of declared collections whose commit time and stamp are both before
   * `cutoff`, and raises the space's floor to the greatest seq removed and its cutoff to the latest
   * time, of commit or of stamp, of those removed: never to one that nothing had, for a purge under
   * a clock that is ahead would refuse every new record until the clock is right. In bounded
   * transactions: whatever of them was committed is a purge like any other. With nothing to remove
   * it changes nothing. Those of undeclared collections stay: cursors have passed them unseen, and
   * being declared again must bring them as news.
   */
  purge(space: SpaceId, cutoff: Stamp): Promise<PurgeOutcome>;
  /**
   * Begins an epoch, listed at once in a space, or in every one (null). For data that others may have
   * a copy of, before anyone reads. Spec: EPOCH-5.
   */
  beginEpoch(space: SpaceId | null): Promise<BeginEpochOutcome>;
  /**
   * Takes out of a space all that it holds: records, history, evidence, rejections. Its head goes
   * on, a new life begins (`lifeOf`), and its floor is its head: whoever held anything of it is told
   * to drop that. All of it is out of sight at one moment, and nobody ever sees a part; its rows then
   * leave the disk in bounded transactions, which a later opening takes up where a kill cut them
   * off. Erasing twice is erasing once. Spec: ERASE-*.
   */
  eraseSpace(space: SpaceId): Promise<EraseOutcome>;
  /** Waits for what has begun, then lets go of the disk. Idempotent; other calls fail from then on. */
  close(): Promise<void>;
}
