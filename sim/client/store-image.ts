import { compareCodePoints, recordId } from "@synchro/core";
import type {
  DeadLetter,
  EntryId,
  OutboxEntry as StoredEntry,
} from "../../packages/client/src/store/outbox-entry.ts";
import type {
  HeldRecord as StoredRecord,
  RecordName,
} from "../../packages/client/src/store/held-record.ts";
import { newStoreMeta, type StoreMeta } from "../../packages/client/src/store/store-meta.ts";
import type {
  StoreReader,
  StoreTransaction,
} from "../../packages/client/src/store/client-store.ts";

/** Everything that the real client keeps on a disk. Never altered: a transaction puts another in its place. */
export type StoreImage = {
  readonly meta: StoreMeta;
  readonly records: ReadonlyMap<string, StoredRecord>;
  readonly entries: ReadonlyMap<EntryId, StoredEntry>;
  readonly letters: ReadonlyMap<EntryId, DeadLetter>;
};

export const newStoreImage = (clientId: string): StoreImage => ({
  meta: newStoreMeta(clientId),
  records: new Map(),
  entries: new Map(),
  letters: new Map(),
});

type Tables = { -readonly [Name in keyof StoreImage]: StoreImage[Name] };

const byId = <Item>(items: ReadonlyMap<EntryId, Item>, after: EntryId, limit: number): Item[] =>
  [...items]
    .filter(([id]) => id > after)
    .toSorted(([a], [b]) => a - b)
    .slice(0, limit)
    .map(([, item]) => item);

const idOf = ({ collection, key }: RecordName): string => recordId(collection, key);

/** Reads the tables as they are at each call: a write may have put another map in the place of one. */
const readsOf = (tables: Tables): StoreReader => ({
  getMeta: async (names) =>
    Object.fromEntries(names.map((name) => [name, tables.meta[name]])) as never,
  getRecords: async (names) => names.map((name) => tables.records.get(idOf(name)) ?? null),
  scanRecords: async (collection, { after, limit, markBelow }) =>
    [...tables.records.values()]
      .filter(
        (record) =>
          record.collection === collection &&
          (after === null || compareCodePoints(record.key, after) > 0) &&
          (markBelow === undefined || record.mark < markBelow),
      )
      .toSorted((a, b) => compareCodePoints(a.key, b.key))
      .slice(0, limit),
  listCollections: async () =>
    [...new Set([...tables.records.values()].map(({ collection }) => collection))].toSorted(
      compareCodePoints,
    ),
  getEntries: async (ids) => ids.map((id) => tables.entries.get(id) ?? null),
  getEntriesOf: async (names) =>
    names.map((name) =>
      [...tables.entries.values()]
        .filter((entry) => idOf(entry) === idOf(name))
        .toSorted((a, b) => a.id - b.id),
    ),
  scanOutbox: async (after, limit) => byId(tables.entries, after, limit),
  countOutbox: async () => tables.entries.size,
  getDeadLetter: async (id) => tables.letters.get(id) ?? null,
  scanDeadLetters: async (after, limit) => byId(tables.letters, after, limit),
  countDeadLetters: async () => tables.letters.size,
});

type TableName = "records" | "entries" | "letters";

const writesOf = (tables: Tables): Omit<StoreTransaction, keyof StoreReader> => {
  /** A table is copied at the first write to it: most transactions leave most tables alone. */
  const own = new Set<TableName>();
  const records = (): Map<string, StoredRecord> => {
    if (!own.has("records")) tables.records = new Map(tables.records);
    own.add("records");
    return tables.records as Map<string, StoredRecord>;
  };
  const entries = (): Map<EntryId, StoredEntry> => {
    if (!own.has("entries")) tables.entries = new Map(tables.entries);
    own.add("entries");
    return tables.entries as Map<EntryId, StoredEntry>;
  };
  const letters = (): Map<EntryId, DeadLetter> => {
    if (!own.has("letters")) tables.letters = new Map(tables.letters);
    own.add("letters");
    return tables.letters as Map<EntryId, DeadLetter>;
  };
  return {
    putMeta: async (members) => {
      tables.meta = { ...tables.meta, ...members };
    },
    putRecords: async (added) => {
      for (const record of added) records().set(idOf(record), record);
    },
    deleteRecords: async (names) => {
      for (const name of names) records().delete(idOf(name));
    },
    putEntries: async (added) => {
      for (const entry of added) entries().set(entry.id, entry);
    },
    deleteEntries: async (ids) => {
      for (const id of ids) entries().delete(id);
    },
    putDeadLetters: async (added) => {
      for (const letter of added) letters().set(letter.entry.id, letter);
    },
    deleteDeadLetters: async (ids) => {
      for (const id of ids) letters().delete(id);
    },
  };
};

/** An image under way to the next; what it reads is what it wrote. */
export const draftOf = (
  image: StoreImage,
): { readonly transaction: StoreTransaction; readonly image: () => StoreImage } => {
  const tables: Tables = { ...image };
  return {
    transaction: { ...readsOf(tables), ...writesOf(tables) },
    image: () => ({ ...tables }),
  };
};
