import { isJsonEqual, type JsonValue } from "@synchro/core";
import type { CompiledQuery, KeyedRow, RowEntry } from "./compile-query.ts";
import { applyEdits, applyEditsTo, lowerBound, type SortedEdits } from "./sorted-edits.ts";

/** What became of a record; null: it is not there. */
export type RowChange<Of> = {
  readonly key: string;
  readonly before: Of | null;
  readonly after: Of | null;
};

export type LiveResult<Of> = {
  /** Never changed once given out; the same list as before where nothing that it shows changed. */
  readonly rows: readonly Of[];
  readonly changed: boolean;
};

/**
 * The rows of a query, kept up with the changes of its collection. A change costs a binary search in
 * the rows that match and a move of what stands behind; only `replace` looks at all rows.
 */
export type LiveQuery<Of> = {
  readonly rows: () => readonly Of[];
  /** Changes in their order. `before` is not needed: what the query holds is compared. */
  readonly apply: (changes: readonly RowChange<Of>[]) => LiveResult<Of>;
  /** All rows of the collection anew. Rows that are what they were stay the same objects. */
  readonly replace: (all: Iterable<KeyedRow<Of>>) => LiveResult<Of>;
};

const isSameRow = (a: unknown, b: unknown): boolean =>
  a === b || isJsonEqual(a as JsonValue, b as JsonValue);

const isSameList = (a: readonly unknown[], b: readonly unknown[]): boolean =>
  a.length === b.length && a.every((row, index) => isSameRow(row, b[index]));

export const createLiveQuery = <Of extends object>(
  query: CompiledQuery<Of>,
  initial: Iterable<KeyedRow<Of>>,
): LiveQuery<Of> => {
  const { matches, entryOf, compare, limit } = query;
  // All that match, beyond the limit too: what moves up when a shown one leaves is at hand.
  // Nobody else sees them, so they are changed where they are.
  let entries: RowEntry<Of>[] = [];
  let entriesByKey = new Map<string, RowEntry<Of>>();
  let rows: readonly Of[] = [];

  const show = (): LiveResult<Of> => {
    const next = entries.slice(0, limit ?? undefined).map(({ row }) => row);
    const changed = !isSameList(rows, next);
    if (changed) rows = next;
    return { rows, changed };
  };

  /** Moves one record; tells what that removes and inserts, if anything. */
  const move = (key: string, after: Of | null) => {
    const held = entriesByKey.get(key) ?? null;
    const row = after !== null && matches(after) ? after : null;
    if (held === null ? row === null : row !== null && isSameRow(held.row, row)) return null;
    const next = row === null ? null : entryOf({ key, row });
    if (next === null) entriesByKey.delete(key);
    else entriesByKey.set(key, next);
    return { held, next };
  };

  const editsOf = (afterByKey: ReadonlyMap<string, Of | null>): SortedEdits<RowEntry<Of>> => {
    const removed: number[] = [];
    const added: RowEntry<Of>[] = [];
    for (const [key, after] of afterByKey) {
      const moved = move(key, after);
      if (moved === null) continue;
      if (moved.held !== null) removed.push(lowerBound(entries, moved.held, compare));
      if (moved.next !== null) added.push(moved.next);
    }
    const inserted = added
      .toSorted(compare)
      .map((item) => ({ at: lowerBound(entries, item, compare), item }));
    return { removed: removed.toSorted((a, b) => a - b), inserted };
  };

  const apply = (changes: readonly RowChange<Of>[]): LiveResult<Of> => {
    const edits = editsOf(new Map(changes.map(({ key, after }) => [key, after])));
    if (edits.removed.length + edits.inserted.length === 0) return { rows, changed: false };
    entries = applyEditsTo(entries, edits);
    if (limit !== null) return show();
    const inserted = edits.inserted.map(({ at, item }) => ({ at, item: item.row }));
    rows = applyEdits(rows, { removed: edits.removed, inserted });
    return { rows, changed: true };
  };

  const replace = (all: Iterable<KeyedRow<Of>>): LiveResult<Of> => {
    const heldByKey = entriesByKey;
    entriesByKey = new Map();
    for (const keyed of all) {
      if (!matches(keyed.row)) continue;
      const held = heldByKey.get(keyed.key);
      const isHeld = held !== undefined && isSameRow(held.row, keyed.row);
      entriesByKey.set(keyed.key, isHeld ? held : entryOf(keyed));
    }
    entries = [...entriesByKey.values()].toSorted(compare);
    return show();
  };

  replace(initial);
  return { rows: () => rows, apply, replace };
};
