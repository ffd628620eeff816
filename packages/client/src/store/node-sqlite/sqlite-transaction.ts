import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { CollectionName } from "@synchro/core";
import type { RecordScan } from "../client-store.ts";
import type { HeldRecord, RecordName } from "../held-record.ts";
import type { DeadLetter, EntryId, OutboxEntry } from "../outbox-entry.ts";
import type { EngineTransaction } from "../store-engine.ts";
import { pickMeta, type StoreMeta } from "../store-meta.ts";
import { createRecordTable, type RecordTable } from "./record-table.ts";
import { createPutMeta } from "./tables.ts";

/** The statements of a connection, prepared once. */
export type Statements = {
  readonly records: RecordTable;
  readonly putMeta: (members: Partial<StoreMeta>) => void;
  readonly getMeta: StatementSync;
  readonly getEntry: StatementSync;
  readonly getEntriesOf: StatementSync;
  readonly scanOutbox: StatementSync;
  readonly countOutbox: StatementSync;
  readonly putEntry: StatementSync;
  readonly deleteEntry: StatementSync;
  readonly getLetter: StatementSync;
  readonly scanLetters: StatementSync;
  readonly countLetters: StatementSync;
  readonly putLetter: StatementSync;
  readonly deleteLetter: StatementSync;
};

export const prepareStatements = (database: DatabaseSync): Statements => ({
  records: createRecordTable(database),
  putMeta: createPutMeta(database),
  getMeta: database.prepare("SELECT value FROM meta WHERE name = ?"),
  getEntry: database.prepare("SELECT entry AS value FROM outbox WHERE id = ?"),
  getEntriesOf: database.prepare(
    "SELECT entry AS value FROM outbox WHERE collection = ? AND key = ? ORDER BY id",
  ),
  scanOutbox: database.prepare(
    "SELECT entry AS value FROM outbox WHERE id > ? ORDER BY id LIMIT ?",
  ),
  countOutbox: database.prepare("SELECT count(*) AS value FROM outbox"),
  putEntry: database.prepare("INSERT OR REPLACE INTO outbox VALUES (?, ?, ?, ?)"),
  deleteEntry: database.prepare("DELETE FROM outbox WHERE id = ?"),
  getLetter: database.prepare("SELECT letter AS value FROM dead_letters WHERE id = ?"),
  scanLetters: database.prepare(
    "SELECT letter AS value FROM dead_letters WHERE id > ? ORDER BY id LIMIT ?",
  ),
  countLetters: database.prepare("SELECT count(*) AS value FROM dead_letters"),
  putLetter: database.prepare("INSERT OR REPLACE INTO dead_letters VALUES (?, ?)"),
  deleteLetter: database.prepare("DELETE FROM dead_letters WHERE id = ?"),
});

type ValueRow = { readonly value?: unknown };

/** What our own tables hold is of the type that was put in. */
const parse = (row: ValueRow): unknown => JSON.parse(String(row.value));
const parseOne = (row: ValueRow | undefined): unknown => (row === undefined ? null : parse(row));
const entryFrom = (row: ValueRow | undefined) => parseOne(row) as OutboxEntry | null;
const entriesFrom = (rows: readonly ValueRow[]) => rows.map(parse) as readonly OutboxEntry[];
const countOf = (row: ValueRow | undefined): number => Number(row?.value);

/** How the engine begins and ends what this transaction does, and reads the errors of SQLite. */
export type TransactionEnds = {
  readonly commit: () => void;
  readonly abort: () => void;
  readonly toError: (error: unknown) => unknown;
};

/** Every call does its work at once; only the shape is asynchronous. */
export class SqliteTransaction implements EngineTransaction {
  readonly #statements: Statements;
  readonly #ends: TransactionEnds;
  #failure: { readonly error: unknown } | null = null;

  constructor(statements: Statements, ends: TransactionEnds) {
    this.#statements = statements;
    this.#ends = ends;
  }

  getMeta<Name extends keyof StoreMeta>(
    names: readonly Name[],
  ): Promise<{ readonly [Member in Name]: StoreMeta[Member] }> {
    return this.#do(({ getMeta }) => pickMeta(names, (name) => parseOne(getMeta.get(name))));
  }

  getRecords(names: readonly RecordName[]): Promise<readonly (HeldRecord | null)[]> {
    return this.#do(({ records }) => records.get(names));
  }

  scanRecords(collection: CollectionName, scan: RecordScan): Promise<readonly HeldRecord[]> {
    return this.#do(({ records }) => records.scan(collection, scan));
  }

  listCollections(): Promise<readonly CollectionName[]> {
    return this.#do(({ records }) => records.collections());
  }

  getEntries(ids: readonly EntryId[]): Promise<readonly (OutboxEntry | null)[]> {
    return this.#do(({ getEntry }) => ids.map((id) => entryFrom(getEntry.get(id))));
  }

  getEntriesOf(names: readonly RecordName[]): Promise<readonly (readonly OutboxEntry[])[]> {
    return this.#do(({ getEntriesOf }) =>
      names.map(({ collection, key }) => entriesFrom(getEntriesOf.all(collection, key))),
    );
  }

  scanOutbox(after: EntryId, limit: number): Promise<readonly OutboxEntry[]> {
    return this.#do(({ scanOutbox }) => entriesFrom(scanOutbox.all(after, limit)));
  }

  countOutbox(): Promise<number> {
    return this.#do(({ countOutbox }) => countOf(countOutbox.get()));
  }

  getDeadLetter(id: EntryId): Promise<DeadLetter | null> {
    return this.#do(({ getLetter }) => parseOne(getLetter.get(id)) as DeadLetter | null);
  }

  scanDeadLetters(after: EntryId, limit: number): Promise<readonly DeadLetter[]> {
    return this.#do(
      ({ scanLetters }) => scanLetters.all(after, limit).map(parse) as readonly DeadLetter[],
    );
  }

  countDeadLetters(): Promise<number> {
    return this.#do(({ countLetters }) => countOf(countLetters.get()));
  }

  putMeta(members: Partial<StoreMeta>): Promise<void> {
    return this.#do(({ putMeta }) => putMeta(members));
  }

  putRecords(all: readonly HeldRecord[]): Promise<void> {
    return this.#do(({ records }) => records.put(all));
  }

  deleteRecords(names: readonly RecordName[]): Promise<void> {
    return this.#do(({ records }) => records.remove(names));
  }

  putEntries(entries: readonly OutboxEntry[]): Promise<void> {
    return this.#do(({ putEntry }) => {
      for (const entry of entries) {
        putEntry.run(entry.id, entry.collection, entry.key, JSON.stringify(entry));
      }
    });
  }

  deleteEntries(ids: readonly EntryId[]): Promise<void> {
    return this.#do(({ deleteEntry }) => {
      for (const id of ids) deleteEntry.run(id);
    });
  }

  putDeadLetters(letters: readonly DeadLetter[]): Promise<void> {
    return this.#do(({ putLetter }) => {
      for (const letter of letters) putLetter.run(letter.entry.id, JSON.stringify(letter));
    });
  }

  deleteDeadLetters(ids: readonly EntryId[]): Promise<void> {
    return this.#do(({ deleteLetter }) => {
      for (const id of ids) deleteLetter.run(id);
    });
  }

  commit(): Promise<void> {
    return this.#do(this.#ends.commit);
  }

  async abort(): Promise<void> {
    this.#ends.abort();
  }

  async #do<Result>(work: (statements: Statements) => Result): Promise<Result> {
    // SQLite may have ended the transaction itself: what came now would stand alone, and for good.
    if (this.#failure !== null) throw this.#failure.error;
    try {
      return work(this.#statements);
    } catch (error) {
      this.#failure = { error: this.#ends.toError(error) };
      throw this.#failure.error;
    }
  }
}
