import { type CollectionName, compareCodePoints } from "@synchro/core";
import type { RecordScan } from "../client-store.ts";
import type { HeldRecord, RecordName } from "../held-record.ts";
import type { DeadLetter, EntryId, OutboxEntry } from "../outbox-entry.ts";
import type { EngineTransaction } from "../store-engine.ts";
import { pickMeta, type StoreMeta } from "../store-meta.ts";
import { type AreaName, resultOf } from "./database.ts";
import { collectionAt, placesAfter, recordPlace } from "./record-place.ts";

/** Records that a search for old marks reads at a time. */
const SEARCH_CHUNK = 1_000;

/**
 * A request costs as much as reading some twenty keys, also one that finds nothing, and in a first
 * sync nearly all find nothing. So from so many names on the keys that lie between them are read
 * first, unless they are so many times more.
 */
const LOOK_FIRST_MIN = 32;
const KEYS_A_NAME_MAX = 8;

/**
 * Requests go out all at once and their answers come in order, so a batch waits for its last one
 * alone: one promise a batch, and not one a record.
 */
const lastOf = async (requests: readonly IDBRequest[]): Promise<void> => {
  const last = requests.at(-1);
  if (last !== undefined) await resultOf(last);
};

export class IndexedDbTransaction implements EngineTransaction {
  readonly #transaction: IDBTransaction;
  readonly #done: Promise<void>;
  readonly #isWrite: boolean;
  readonly #readError: (error: unknown) => unknown;

  constructor(
    transaction: IDBTransaction,
    isWrite: boolean,
    readError: (error: unknown) => unknown,
  ) {
    this.#transaction = transaction;
    this.#isWrite = isWrite;
    this.#readError = readError;
    this.#done = new Promise((resolve, reject) => {
      transaction.addEventListener("complete", () => resolve());
      transaction.addEventListener("abort", () =>
        reject(transaction.error ?? new Error("the transaction was aborted")),
      );
    });
    // How it ended is asked for by `commit` and `abort`; a reader's end says nothing.
    this.#done.catch(() => {});
  }

  getMeta<Name extends keyof StoreMeta>(
    names: readonly Name[],
  ): Promise<{ readonly [Member in Name]: StoreMeta[Member] }> {
    return this.#do(async () => {
      const meta = this.#area("meta");
      const kept = await Promise.all(
        names.map(async (name) => [name, await resultOf<unknown>(meta.get(name))] as const),
      );
      const byName = new Map<Name, unknown>(kept);
      return pickMeta(names, (name) => byName.get(name));
    });
  }

  getRecords(names: readonly RecordName[]): Promise<readonly (HeldRecord | null)[]> {
    const places = names.map(recordPlace);
    if (places.length < LOOK_FIRST_MIN) return this.#getAll<HeldRecord>("records", places);
    return this.#do(async () => {
      const there = await this.#recordsAmong(places);
      const wanted = there === null ? places : places.filter((place) => there.has(place));
      const found = await this.#getAll<HeldRecord>("records", wanted);
      const byPlace = new Map(wanted.map((place, index) => [place, found[index] ?? null]));
      return places.map((place) => byPlace.get(place) ?? null);
    });
  }

  scanRecords(
    collection: CollectionName,
    { after, limit, markBelow }: RecordScan,
  ): Promise<readonly HeldRecord[]> {
    return this.#do(async () => {
      if (markBelow === undefined) return this.#scanPlaces(collection, after, limit);
      const found: HeldRecord[] = [];
      let last = after;
      for (;;) {
        const chunk = await this.#scanPlaces(collection, last, SEARCH_CHUNK);
        found.push(...chunk.filter(({ mark }) => mark < markBelow));
        last = chunk.at(-1)?.key ?? null;
        if (found.length >= limit || chunk.length < SEARCH_CHUNK) return found.slice(0, limit);
      }
    });
  }

  listCollections(): Promise<readonly CollectionName[]> {
    return this.#do(async () => {
      const names: CollectionName[] = [];
      for (;;) {
        // One step of the tree for each collection, however many records it has.
        const from = IDBKeyRange.lowerBound(`${names.at(-1) ?? ""}\u0001`);
        const place = await resultOf(this.#area("records").getKey(from));
        if (place === undefined) return names.toSorted(compareCodePoints);
        names.push(collectionAt(place));
      }
    });
  }

  getEntries(ids: readonly EntryId[]): Promise<readonly (OutboxEntry | null)[]> {
    return this.#getAll<OutboxEntry>("outbox", ids);
  }

  getEntriesOf(names: readonly RecordName[]): Promise<readonly (readonly OutboxEntry[])[]> {
    return this.#do(() => {
      const index = this.#area("outbox").index("byRecord");
      return Promise.all(
        names.map(({ collection, key }) =>
          resultOf<OutboxEntry[]>(index.getAll(IDBKeyRange.only([collection, key]))),
        ),
      );
    });
  }

  scanOutbox(after: EntryId, limit: number): Promise<readonly OutboxEntry[]> {
    return this.#scanIds<OutboxEntry>("outbox", after, limit);
  }

  countOutbox(): Promise<number> {
    return this.#do(() => resultOf(this.#area("outbox").count()));
  }

  async getDeadLetter(id: EntryId): Promise<DeadLetter | null> {
    const [letter] = await this.#getAll<DeadLetter>("deadLetters", [id]);
    return letter ?? null;
  }

  scanDeadLetters(after: EntryId, limit: number): Promise<readonly DeadLetter[]> {
    return this.#scanIds<DeadLetter>("deadLetters", after, limit);
  }

  countDeadLetters(): Promise<number> {
    return this.#do(() => resultOf(this.#area("deadLetters").count()));
  }

  putMeta(members: Partial<StoreMeta>): Promise<void> {
    return this.#write("meta", (meta) =>
      Object.entries(members).map(([name, value]) => meta.put(value, name)),
    );
  }

  putRecords(records: readonly HeldRecord[]): Promise<void> {
    return this.#write("records", (area) =>
      records.map((record) => area.put(record, recordPlace(record))),
    );
  }

  deleteRecords(names: readonly RecordName[]): Promise<void> {
    return this.#write("records", (area) => names.map((name) => area.delete(recordPlace(name))));
  }

  putEntries(entries: readonly OutboxEntry[]): Promise<void> {
    return this.#write("outbox", (area) => entries.map((entry) => area.put(entry, entry.id)));
  }

  deleteEntries(ids: readonly EntryId[]): Promise<void> {
    return this.#write("outbox", (area) => ids.map((id) => area.delete(id)));
  }

  putDeadLetters(letters: readonly DeadLetter[]): Promise<void> {
    return this.#write("deadLetters", (area) =>
      letters.map((letter) => area.put(letter, letter.entry.id)),
    );
  }

  deleteDeadLetters(ids: readonly EntryId[]): Promise<void> {
    return this.#write("deadLetters", (area) => ids.map((id) => area.delete(id)));
  }

  async commit(): Promise<void> {
    if (!this.#isWrite) return;
    try {
      // Without it the browser first waits whether more requests come.
      this.#transaction.commit();
    } catch {
      // It has ended by itself, one way or the other: `#done` knows which.
    }
    await this.#do(() => this.#done);
  }

  async abort(): Promise<void> {
    try {
      this.#transaction.abort();
    } catch {
      // It has ended already: a request that fails ends it.
    }
    await this.#done.catch(() => {});
  }

  #area(name: AreaName): IDBObjectStore {
    return this.#transaction.objectStore(name);
  }

  /** At which of these places records may be; null: too many lie between them to say. */
  async #recordsAmong(places: readonly string[]): Promise<ReadonlySet<IDBValidKey> | null> {
    // By UTF-16 units, as IndexedDB compares them.
    const sorted = places.toSorted();
    const range = IDBKeyRange.bound(sorted[0], sorted.at(-1));
    const keysMax = places.length * KEYS_A_NAME_MAX;
    const keys = await resultOf(this.#area("records").getAllKeys(range, keysMax));
    return keys.length < keysMax ? new Set(keys) : null;
  }

  #scanPlaces(
    collection: CollectionName,
    after: string | null,
    limit: number,
  ): Promise<readonly HeldRecord[]> {
    const places = placesAfter(collection, after);
    return resultOf<HeldRecord[]>(this.#area("records").getAll(places, limit));
  }

  #scanIds<Value>(area: AreaName, after: EntryId, limit: number): Promise<readonly Value[]> {
    const ids = IDBKeyRange.lowerBound(after, true);
    return this.#do(() => resultOf<Value[]>(this.#area(area).getAll(ids, limit)));
  }

  #getAll<Value>(
    name: AreaName,
    places: readonly IDBValidKey[],
  ): Promise<readonly (Value | null)[]> {
    return this.#do(async () => {
      const area = this.#area(name);
      const requests = places.map((place) => area.get(place) as IDBRequest<Value | undefined>);
      await lastOf(requests);
      return requests.map(({ result }) => result ?? null);
    });
  }

  #write(name: AreaName, send: (area: IDBObjectStore) => readonly IDBRequest[]): Promise<void> {
    return this.#do(() => lastOf(send(this.#area(name))));
  }

  async #do<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      // What ended the transaction says more than the request that it took along.
      throw this.#readError(this.#transaction.error ?? error);
    }
  }
}
