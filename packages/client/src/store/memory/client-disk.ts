import { type CollectionName, compareCodePoints, recordId } from "@synchro/core";
import type { HeldRecord, RecordName } from "../held-record.ts";
import type { DeadLetter, EntryId, OutboxEntry } from "../outbox-entry.ts";
import type { StoreMeta } from "../store-meta.ts";
import { OrderedMap } from "./ordered-map.ts";

const byNumber = (a: number, b: number): number => a - b;

/**
 * What outlives a memory store, as a disk outlives a process: a simulation forgets a store at any
 * moment and opens another over the same disk. What an unfinished transaction wrote is taken back at
 * the next opening.
 */
export class ClientDisk {
  /** Null until the first opening. */
  meta: StoreMeta | null = null;
  readonly records = new Map<CollectionName, OrderedMap<string, HeldRecord>>();
  readonly outbox = new OrderedMap<EntryId, OutboxEntry>(byNumber);
  readonly deadLetters = new OrderedMap<EntryId, DeadLetter>(byNumber);
  /** True: whatever writes finds no room. May be changed at any time. */
  isFull = false;
  /** The last store that was opened: an earlier one, killed and forgotten, writes nothing more. */
  owner: object | null = null;
  readonly #entryIdsOf = new Map<string, readonly EntryId[]>();
  #undo: (() => void)[] = [];

  /** What follows may be taken back until `keep`. */
  keep(): void {
    this.#undo = [];
  }

  takeBack(): void {
    for (const undo of this.#undo.toReversed()) undo();
    this.#undo = [];
  }

  clear(): void {
    this.meta = null;
    this.records.clear();
    this.outbox.clear();
    this.deadLetters.clear();
    this.#entryIdsOf.clear();
    this.#undo = [];
  }

  entriesOf({ collection, key }: RecordName): readonly OutboxEntry[] {
    const ids = this.#entryIdsOf.get(recordId(collection, key)) ?? [];
    return ids.flatMap((id) => this.outbox.get(id) ?? []);
  }

  setMeta(meta: StoreMeta): void {
    const before = this.meta;
    this.#undo.push(() => {
      this.meta = before;
    });
    this.meta = meta;
  }

  /** One note for all of them: a first sync would else make a closure a record. */
  setRecords(names: readonly RecordName[], after: (index: number) => HeldRecord | null): void {
    const before: (HeldRecord | undefined)[] = [];
    this.#undo.push(() => {
      for (let index = before.length - 1; index >= 0; index -= 1) {
        const { collection, key } = names[index] as RecordName;
        this.#recordsOf(collection).put(key, before[index]);
      }
    });
    for (const [index, { collection, key }] of names.entries()) {
      before.push(this.#recordsOf(collection).put(key, after(index) ?? undefined));
    }
  }

  #recordsOf(collection: CollectionName): OrderedMap<string, HeldRecord> {
    let held = this.records.get(collection);
    if (held === undefined) {
      held = new OrderedMap(compareCodePoints);
      this.records.set(collection, held);
    }
    return held;
  }

  setEntry(id: EntryId, entry: OutboxEntry | null): void {
    const before = this.outbox.get(id);
    if (before !== undefined) this.#moveEntry(before, "leave");
    if (entry !== null) this.#moveEntry(entry, "enter");
    this.#set(this.outbox, id, entry);
  }

  setDeadLetter(id: EntryId, letter: DeadLetter | null): void {
    this.#set(this.deadLetters, id, letter);
  }

  #set<Key, Value>(map: OrderedMap<Key, Value>, key: Key, value: Value | null): void {
    const before = map.put(key, value ?? undefined);
    this.#undo.push(() => void map.put(key, before));
  }

  #moveEntry({ collection, key, id }: OutboxEntry, way: "enter" | "leave"): void {
    const name = recordId(collection, key);
    const before = this.#entryIdsOf.get(name) ?? [];
    const others = before.filter((each) => each !== id);
    this.#setIds(name, way === "leave" ? others : [...others, id].toSorted(byNumber));
    this.#undo.push(() => this.#setIds(name, before));
  }

  #setIds(name: string, ids: readonly EntryId[]): void {
    if (ids.length === 0) this.#entryIdsOf.delete(name);
    else this.#entryIdsOf.set(name, ids);
  }
}
