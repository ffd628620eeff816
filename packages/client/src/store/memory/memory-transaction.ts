import { type CollectionName, compareCodePoints } from "@synchro/core";
import type { RecordScan } from "../client-store.ts";
import { ClientStoreError } from "../client-store-error.ts";
import type { HeldRecord, RecordName } from "../held-record.ts";
import type { DeadLetter, EntryId, OutboxEntry } from "../outbox-entry.ts";
import type { EngineTransaction } from "../store-engine.ts";
import { pickMeta, type StoreMeta } from "../store-meta.ts";
import type { ClientDisk } from "./client-disk.ts";

/** Writes go to the disk at once, with a note of how to take them back. */
export class MemoryTransaction implements EngineTransaction {
  readonly #disk: ClientDisk;
  readonly #owner: object;

  constructor(disk: ClientDisk, owner: object) {
    this.#disk = disk;
    this.#owner = owner;
  }

  async getMeta<Name extends keyof StoreMeta>(
    names: readonly Name[],
  ): Promise<{ readonly [Member in Name]: StoreMeta[Member] }> {
    const { meta } = this.#ownDisk();
    if (meta === null) throw new Error("a disk without meta was never opened");
    return pickMeta(names, (name) => meta[name]);
  }

  async getRecords(names: readonly RecordName[]): Promise<readonly (HeldRecord | null)[]> {
    const { records } = this.#ownDisk();
    return names.map(({ collection, key }) => records.get(collection)?.get(key) ?? null);
  }

  async scanRecords(
    collection: CollectionName,
    { after, limit, markBelow }: RecordScan,
  ): Promise<readonly HeldRecord[]> {
    const held = this.#ownDisk().records.get(collection);
    if (markBelow === undefined) return held?.valuesAfter(after, limit) ?? [];
    return held?.valuesAfter(after, limit, ({ mark }) => mark < markBelow) ?? [];
  }

  async listCollections(): Promise<readonly CollectionName[]> {
    return [...this.#ownDisk().records]
      .flatMap(([name, held]) => (held.size > 0 ? [name] : []))
      .toSorted(compareCodePoints);
  }

  async getEntries(ids: readonly EntryId[]): Promise<readonly (OutboxEntry | null)[]> {
    const { outbox } = this.#ownDisk();
    return ids.map((id) => outbox.get(id) ?? null);
  }

  async getEntriesOf(names: readonly RecordName[]): Promise<readonly (readonly OutboxEntry[])[]> {
    const disk = this.#ownDisk();
    return names.map((name) => disk.entriesOf(name));
  }

  async scanOutbox(after: EntryId, limit: number): Promise<readonly OutboxEntry[]> {
    return this.#ownDisk().outbox.valuesAfter(after, limit);
  }

  async countOutbox(): Promise<number> {
    return this.#ownDisk().outbox.size;
  }

  async getDeadLetter(id: EntryId): Promise<DeadLetter | null> {
    return this.#ownDisk().deadLetters.get(id) ?? null;
  }

  async scanDeadLetters(after: EntryId, limit: number): Promise<readonly DeadLetter[]> {
    return this.#ownDisk().deadLetters.valuesAfter(after, limit);
  }

  async countDeadLetters(): Promise<number> {
    return this.#ownDisk().deadLetters.size;
  }

  async putMeta(members: Partial<StoreMeta>): Promise<void> {
    const disk = this.#roomyDisk();
    if (disk.meta !== null) disk.setMeta({ ...disk.meta, ...members });
  }

  async putRecords(records: readonly HeldRecord[]): Promise<void> {
    const disk = this.#roomyDisk();
    disk.setRecords(records, (index) => records[index] ?? null);
  }

  async deleteRecords(names: readonly RecordName[]): Promise<void> {
    this.#ownDisk().setRecords(names, () => null);
  }

  async putEntries(entries: readonly OutboxEntry[]): Promise<void> {
    const disk = this.#roomyDisk();
    for (const entry of entries) disk.setEntry(entry.id, entry);
  }

  async deleteEntries(ids: readonly EntryId[]): Promise<void> {
    const disk = this.#ownDisk();
    for (const id of ids) disk.setEntry(id, null);
  }

  async putDeadLetters(letters: readonly DeadLetter[]): Promise<void> {
    const disk = this.#roomyDisk();
    for (const letter of letters) disk.setDeadLetter(letter.entry.id, letter);
  }

  async deleteDeadLetters(ids: readonly EntryId[]): Promise<void> {
    const disk = this.#ownDisk();
    for (const id of ids) disk.setDeadLetter(id, null);
  }

  async commit(): Promise<void> {
    this.#ownDisk().keep();
  }

  async abort(): Promise<void> {
    if (this.#disk.owner === this.#owner) this.#disk.takeBack();
  }

  #ownDisk(): ClientDisk {
    if (this.#disk.owner === this.#owner) return this.#disk;
    throw new ClientStoreError("lost", "these data were opened by another store since");
  }

  #roomyDisk(): ClientDisk {
    const disk = this.#ownDisk();
    if (disk.isFull) throw new ClientStoreError("full", "there is no room for the change");
    return disk;
  }
}
