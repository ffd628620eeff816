import { type DBSchema, type IDBPDatabase, type IDBPTransaction, openDB } from "idb";
import { ClientStoreError } from "../client-store-error.ts";
import type { HeldRecord } from "../held-record.ts";
import type { DeadLetter, EntryId, OutboxEntry } from "../outbox-entry.ts";
import { newStoreMeta } from "../store-meta.ts";

/** Records lie at their `recordPlace`, meta at its member's name, entries and letters at the entry's id. */
export interface Areas extends DBSchema {
  meta: { key: string; value: unknown };
  records: { key: string; value: HeldRecord };
  outbox: { key: EntryId; value: OutboxEntry; indexes: { byRecord: [string, string] } };
  deadLetters: { key: EntryId; value: DeadLetter };
}

export const areaNames = ["meta", "records", "outbox", "deadLetters"] as const;

export type AreaName = (typeof areaNames)[number];
export type AreaDatabase = IDBPDatabase<Areas>;
export type AreaTransaction = IDBPTransaction<
  Areas,
  (typeof areaNames)[number][],
  "readonly" | "readwrite"
>;

/** Counted up with the areas; the browser itself refuses to open what a higher one has made. */
const VERSION = 1;

export type DatabaseEvents = {
  /** A newer program wants to change the areas, or someone to delete them: the connection is closed. */
  readonly onYielded: () => void;
  /** The browser closed the connection: the data may have been evicted. */
  readonly onTerminated: () => void;
};

/** What an error of IndexedDB means for whoever called the store; an unforeseen one comes back as it is. */
export const readDomError = (error: unknown, name: string): unknown => {
  if (!(error instanceof Error)) return error;
  switch (error.name) {
    case "QuotaExceededError":
      return new ClientStoreError("full", `the browser gives ${name} no more room`, {
        cause: error,
      });
    case "VersionError":
      return new ClientStoreError(
        "newer_schema",
        `${name} was made by a newer Synchro (this one knows schema ${VERSION}): reload the page`,
        { cause: error },
      );
    default:
      return error;
  }
};

/** Opens the database, and gives a new one its areas and its first meta in one transaction. */
export const openAreas = async (
  name: string,
  createClientId: () => string,
  events: DatabaseEvents,
): Promise<AreaDatabase> => {
  const database = await openDB<Areas>(name, VERSION, {
    upgrade: (created) => {
      const meta = created.createObjectStore("meta");
      created.createObjectStore("records");
      created.createObjectStore("outbox").createIndex("byRecord", ["collection", "key"]);
      created.createObjectStore("deadLetters");
      for (const [member, value] of Object.entries(newStoreMeta(createClientId()))) {
        void meta.put(value, member);
      }
    },
    blocking: () => {
      database.close();
      events.onYielded();
    },
    terminated: events.onTerminated,
  });
  if (areaNames.every((area) => database.objectStoreNames.contains(area))) return database;
  database.close();
  throw new ClientStoreError("foreign_file", `the database ${name} is not a store of Synchro`);
};
