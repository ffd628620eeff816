import type { CollectionName } from "@synchro/core";
import { type Collection, type RowOf } from "../collection/collection.ts";
import { readRow } from "../collection/read-value.ts";
import { overlay, overlayAll } from "../outbox/overlay.ts";
import { compileQuery, type KeyedRow } from "../query/compile-query.ts";
import { type FieldKinds, fieldKindsOf } from "../query/field-kind.ts";
import { createLiveRows, type LiveRows } from "../query/live-rows.ts";
import type { RowChange } from "../query/live-query.ts";
import type { QuerySpec } from "../query/query-spec.ts";
import type { RowSource } from "../query/row-query.ts";
import type { ClientStore, StoreReader } from "../store/client-store.ts";
import type { HeldRecord } from "../store/held-record.ts";
import type { OutboxEntry } from "../store/outbox-entry.ts";

type Row<Declared extends Collection> = RowOf<Declared> & object;

/** Records and entries read at a time. */
const CHUNK = 2_000;

const scanAll = async <Item>(
  scan: (last: Item | null) => Promise<readonly Item[]>,
): Promise<readonly Item[]> => {
  const all: Item[] = [];
  for (;;) {
    const items = await scan(all.at(-1) ?? null);
    for (const item of items) all.push(item);
    if (items.length < CHUNK) return all;
  }
};

const scanRecords = (reader: StoreReader, name: CollectionName): Promise<readonly HeldRecord[]> =>
  scanAll<HeldRecord>((last) =>
    reader.scanRecords(name, { after: last?.key ?? null, limit: CHUNK }),
  );

const scanEntries = async (
  reader: StoreReader,
  name: CollectionName,
): Promise<readonly OutboxEntry[]> => {
  const all = await scanAll<OutboxEntry>((last) => reader.scanOutbox(last?.id ?? 0, CHUNK));
  return all.filter(({ collection }) => collection === name);
};

/**
 * The rows of one collection as its user sees them: what the server gave, with the device's own edits
 * laid over it. Queries that somebody listens to are kept up with every change; nothing is held in
 * memory for a collection that nobody watches.
 */
export class CollectionSource<Declared extends Collection> implements RowSource<Row<Declared>> {
  readonly kinds: FieldKinds;
  readonly #declared: Declared;
  readonly #opened: () => Promise<ClientStore>;
  readonly #onError: (error: unknown) => void;
  readonly #live = new Set<LiveRows<Row<Declared>>>();
  /** Readings of what changed, one after the other: a later one must not be overtaken by an earlier. */
  #reading: Promise<unknown> = Promise.resolve();

  constructor(
    declared: Declared,
    opened: () => Promise<ClientStore>,
    onError: (error: unknown) => void,
  ) {
    this.kinds = fieldKindsOf(declared.fields);
    this.#declared = declared;
    this.#opened = opened;
    this.#onError = onError;
  }

  async get(key: string): Promise<RowOf<Declared> | null> {
    const [change] = await this.#readChanges([key]);
    return change?.after ?? null;
  }

  async read(spec: QuerySpec<Row<Declared>>): Promise<readonly Row<Declared>[]> {
    const query = compileQuery(spec, this.kinds);
    const all = await this.#readAll();
    const chosen = all.filter(({ row }) => query.matches(row)).map(query.entryOf);
    const sorted = chosen.toSorted(query.compare);
    return sorted.slice(0, query.limit ?? undefined).map(({ row }) => row);
  }

  subscribe(
    spec: QuerySpec<Row<Declared>>,
    listener: (rows: readonly Row<Declared>[]) => void,
  ): () => void {
    const live = createLiveRows(compileQuery(spec, this.kinds), this.#onError);
    this.#live.add(live);
    const stop = live.subscribe(listener);
    this.#queue(() => this.#load([live]));
    return () => {
      stop();
      this.#live.delete(live);
    };
  }

  /** These records, or all (null), are not what they were. */
  refresh(keys: readonly string[] | null): void {
    if (this.#live.size === 0) return;
    this.#queue(async () => {
      if (keys !== null) {
        const changes = await this.#readChanges(keys);
        for (const live of this.#live) live.apply(changes);
        return;
      }
      await this.#load([...this.#live]);
    });
  }

  async #load(lives: readonly LiveRows<Row<Declared>>[]): Promise<void> {
    const loads = lives.map((live) => live.beginLoad());
    let all: readonly KeyedRow<Row<Declared>>[] | null = null;
    try {
      all = await this.#readAll();
    } finally {
      for (const load of loads) load(all);
    }
  }

  #queue(task: () => Promise<void>): void {
    this.#reading = this.#reading.then(task).catch(this.#onError);
  }

  #rowOf(key: string, value: string | null): Row<Declared> | null {
    return value === null ? null : readRow(this.#declared, key, value);
  }

  async #readAll(): Promise<readonly KeyedRow<Row<Declared>>[]> {
    const { name } = this.#declared;
    const store = await this.#opened();
    const visible = await store.read(async (reader) =>
      overlayAll(await scanRecords(reader, name), await scanEntries(reader, name)),
    );
    const rows: KeyedRow<Row<Declared>>[] = [];
    for (const [key, { value }] of visible) {
      const row = this.#rowOf(key, value);
      if (row !== null) rows.push({ key, row });
    }
    return rows;
  }

  async #readChanges(keys: readonly string[]): Promise<readonly RowChange<Row<Declared>>[]> {
    const names = keys.map((key) => ({ collection: this.#declared.name, key }));
    const store = await this.#opened();
    return store.read(async (reader) => {
      const records = await reader.getRecords(names);
      const groups = await reader.getEntriesOf(names);
      return keys.map((key, index) => {
        const seen = overlay(records[index] ?? null, groups[index] ?? []);
        return { key, before: null, after: this.#rowOf(key, seen?.value ?? null) };
      });
    });
  }
}
