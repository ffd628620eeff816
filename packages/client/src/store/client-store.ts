import type { CollectionName } from "@synchro/core";
import type { ClientStoreError } from "./client-store-error.ts";
import type { Generation, HeldRecord, RecordName } from "./held-record.ts";
import type { DeadLetter, EntryId, OutboxEntry } from "./outbox-entry.ts";
import type { StoreMeta } from "./store-meta.ts";

export type RecordScan = {
  /** Only keys after this one, by code points; null: from the first. */
  readonly after: string | null;
  readonly limit: number;
  /** Only records whose mark is below this generation; all if absent. Costs the same as reading all. */
  readonly markBelow?: Generation;
};

/** One moment of a store. It is valid until the body that it was given to has ended. */
export interface StoreReader {
  /** The members named, as they stand. */
  getMeta<Name extends keyof StoreMeta>(
    names: readonly Name[],
  ): Promise<{ readonly [Member in Name]: StoreMeta[Member] }>;
  /** One answer a name, in their order; null where nothing is held. Tombstones are held. */
  getRecords(names: readonly RecordName[]): Promise<readonly (HeldRecord | null)[]>;
  /** The records of a collection, tombstones included, by key in code point order; at most `limit`. */
  scanRecords(collection: CollectionName, scan: RecordScan): Promise<readonly HeldRecord[]>;
  /** The names of the collections of which anything is held, sorted. */
  listCollections(): Promise<readonly CollectionName[]>;
  /** One answer an id, in their order; null where the outbox has none. */
  getEntries(ids: readonly EntryId[]): Promise<readonly (OutboxEntry | null)[]>;
  /** One answer a name, in their order: the record's entries by ascending id. */
  getEntriesOf(names: readonly RecordName[]): Promise<readonly (readonly OutboxEntry[])[]>;
  /** Entries with an id above `after`, ascending; at most `limit`. */
  scanOutbox(after: EntryId, limit: number): Promise<readonly OutboxEntry[]>;
  countOutbox(): Promise<number>;
  getDeadLetter(id: EntryId): Promise<DeadLetter | null>;
  /** Letters with an entry's id above `after`, ascending; at most `limit`. */
  scanDeadLetters(after: EntryId, limit: number): Promise<readonly DeadLetter[]>;
  countDeadLetters(): Promise<number>;
}

/**
 * A transaction under way. It reads its own writes. A call that fails dooms it: `transact` rejects
 * and nothing is applied, even if the body goes on. Of several writes to one thing the last counts.
 */
export interface StoreTransaction extends StoreReader {
  /** Sets the members given and leaves the others. */
  putMeta(members: Partial<StoreMeta>): Promise<void>;
  /** Each takes the place of what is held under its name. */
  putRecords(records: readonly HeldRecord[]): Promise<void>;
  /** Absent ones are no error. */
  deleteRecords(names: readonly RecordName[]): Promise<void>;
  /** Each takes the place of the entry with its id. */
  putEntries(entries: readonly OutboxEntry[]): Promise<void>;
  deleteEntries(ids: readonly EntryId[]): Promise<void>;
  /** Each takes the place of the letter with its entry's id. */
  putDeadLetters(letters: readonly DeadLetter[]): Promise<void>;
  deleteDeadLetters(ids: readonly EntryId[]): Promise<void>;
}

/**
 * `strict`: what was written is there after a power cut, as far as the engine can promise it.
 * `relaxed`: it is there after the death of the process; a power cut may take the last transactions,
 * each of them whole and none before an earlier one. For pages of the server's data, which would be
 * read again; never for an edit, nor for a stamp before its first send.
 */
export type Durability = "strict" | "relaxed";

/**
 * Where a device keeps its data. Atomic transactions over four areas: records as the server gave
 * them, the outbox, the dead letters, and meta. It knows no rule of the protocol: those stand in the
 * scripts over it.
 *
 * Guarantees of every engine (`client-store.contract.ts`):
 * - `transact` applies all that its body wrote, or nothing: if the body throws or rejects, if a call
 *   failed, if there is no room, if the process dies at any moment. It answers what the body answered
 *   once the writes are durable, as `Durability` says, and not before.
 * - Transactions are serialised: what one read still holds when it commits, in this instance and, where
 *   `canShareAcrossTabs`, in every other. They begin in the order in which they were asked for.
 * - `read` shows one moment, at or after every transaction that had been answered before, and keeps to
 *   it.
 * - After any failed call the store still answers, `lost` aside. No room is a `ClientStoreError` with
 *   the code `full`, and later transactions may pass.
 * - Texts come back as they were given: keys and values of well-formed Unicode without U+0000, names
 *   such as `__proto__` among them.
 * - Nothing is ever deleted unasked.
 *
 * What durable means: `memory` nothing, it dies with the process. `indexeddb`: the browser has told of
 * a completed transaction with this very durability; it may still evict the whole origin unless
 * storage is persistent. `node-sqlite`: WAL; strict is `synchronous=FULL`, an fsync of the log before
 * the answer; relaxed is `NORMAL`, without it.
 *
 * Duties of the caller:
 * - A body awaits nothing but calls of its own reader or transaction (an IndexedDB transaction commits
 *   when it has nothing to do), and never calls the store itself (it would wait for itself).
 * - Values and keys have passed the data rules. Whoever needs to know of changes tells the others
 *   itself: a store notifies nobody.
 *
 * @throws ClientStoreError from every method, by rejection.
 */
export interface ClientStore {
  /** Engines differ by these and by nothing else that a caller may see. */
  readonly capabilities: {
    /** Whether a second opening finds what the first had answered. */
    readonly isDurable: boolean;
    /** Whether several instances, in tabs of one origin, may have the same data open. */
    readonly canShareAcrossTabs: boolean;
  };
  read<Result>(body: (reader: StoreReader) => Promise<Result>): Promise<Result>;
  /** `durability` is `strict` if absent. */
  transact<Result>(
    body: (transaction: StoreTransaction) => Promise<Result>,
    durability?: Durability,
  ): Promise<Result>;
  /** Waits for what has begun, then lets go of the data. May be called again; other calls fail from then on. */
  close(): Promise<void>;
  /** Closes, and removes the data for good. May be called after `close`. */
  destroy(): Promise<void>;
}

/** What every engine is opened with. */
export type ClientStoreOptions = {
  /** Called once if the store is new. */
  readonly createClientId: () => string;
  /** Called at most once, when the data went away or can't be trusted any more. Every call fails from then on. */
  readonly onLost?: (error: ClientStoreError) => void;
};
