import { addMicros, type CollectionName, type Stamp } from "@synchro/core";
import type { ClientStore } from "../src/store/client-store.ts";
import type { HeldRecord } from "../src/store/held-record.ts";
import { openMemoryStore } from "../src/store/memory/open-memory-store.ts";
import type { EntryId, OutboxEntry } from "../src/store/outbox-entry.ts";
import type { Edit } from "../src/outbox/record-edits.ts";

export const readings = "readings" as CollectionName;

/** A moment of the test's day, by seconds. */
export const at = (seconds: number): Stamp =>
  addMicros("2026-11-24T10:00:00.000000Z" as Stamp, Math.round(seconds * 1_000_000));

export const edit = (key: string, n: number, more: Partial<Edit> = {}): Edit => ({
  collection: readings,
  key,
  value: `{"n":${n}}`,
  author: "anna",
  editedAt: at(n),
  schemaVersion: 1,
  ...more,
});

export const held = (key: string, more: Partial<HeldRecord> = {}): HeldRecord => ({
  collection: readings,
  key,
  seq: 10,
  stamp: at(-100),
  value: '{"held":true}',
  author: { name: "carl", verified: true },
  mark: 0,
  ...more,
});

export const openStore = (): Promise<ClientStore> =>
  openMemoryStore({ createClientId: () => "c_1" });

/** The outbox by ascending id. */
export const entriesOf = (store: ClientStore): Promise<readonly OutboxEntry[]> =>
  store.read((reader) => reader.scanOutbox(0, 1_000));

export const entryOf = async (store: ClientStore, id: EntryId): Promise<OutboxEntry> => {
  const [entry] = await store.read((reader) => reader.getEntries([id]));
  if (entry == null) throw new Error(`no entry ${id}`);
  return entry;
};
