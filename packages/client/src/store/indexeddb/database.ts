import { ClientStoreError } from "../client-store-error.ts";
import { newStoreMeta } from "../store-meta.ts";

/**
 * Records lie at their `recordPlace`, meta at its member's name, entries and letters at the entry's
 * id; entries are found by collection and key too.
 */
export const areaNames = ["meta", "records", "outbox", "deadLetters"] as const;

export type AreaName = (typeof areaNames)[number];

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

/** What became of a request; it rejects with the request's error. */
export const resultOf = <Result>(request: IDBRequest<Result>): Promise<Result> =>
  new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () =>
      reject(request.error ?? new Error("a request failed without a word")),
    );
  });

const createAreas = (created: IDBDatabase, transaction: IDBTransaction, clientId: string): void => {
  for (const name of areaNames) created.createObjectStore(name);
  transaction.objectStore("outbox").createIndex("byRecord", ["collection", "key"]);
  const meta = transaction.objectStore("meta");
  for (const [member, value] of Object.entries(newStoreMeta(clientId))) meta.put(value, member);
};

/** Opens the database, and gives a new one its areas and its first meta in one transaction. */
export const openAreas = async (
  name: string,
  createClientId: () => string,
  events: DatabaseEvents,
): Promise<IDBDatabase> => {
  const request = indexedDB.open(name, VERSION);
  let reasonOf = (error: unknown): unknown => error;
  request.addEventListener("upgradeneeded", () => {
    const { result, transaction } = request;
    if (transaction === null) return;
    // Of a creation that found no room the request knows only that it was aborted.
    reasonOf = (error) => transaction.error ?? error;
    createAreas(result, transaction, createClientId());
  });
  const database = await resultOf(request).catch((error: unknown) => {
    throw reasonOf(error);
  });
  database.addEventListener("versionchange", () => {
    database.close();
    events.onYielded();
  });
  database.addEventListener("close", events.onTerminated);
  if (areaNames.every((area) => database.objectStoreNames.contains(area))) return database;
  database.close();
  throw new ClientStoreError("foreign_file", `the database ${name} is not a store of Synchro`);
};
