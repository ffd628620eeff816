/** Edits of a sorted list, by its indices before any of them. */
export type SortedEdits<Item> = {
  /** Ascending. */
  readonly removed: readonly number[];
  /** Each goes before what stands at `at`; ascending, and those at one place in their order. */
  readonly inserted: readonly { readonly at: number; readonly item: Item }[];
};

/** The first index whose item does not come before `item`; the list's length if all do. */
export const lowerBound = <Item>(
  list: readonly Item[],
  item: Item,
  compare: (a: Item, b: Item) => number,
): number => {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(list[middle] as Item, item) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** Up to so many edits, moving the rest of the list for each is cheaper than building it anew. */
const MOVES_MAX = 16;

const isFew = ({ removed, inserted }: SortedEdits<unknown>): boolean =>
  removed.length + inserted.length <= MOVES_MAX;

const move = <Item>(list: Item[], { removed, inserted }: SortedEdits<Item>): void => {
  // From the end on, so that the indices before stay what they were.
  let index = inserted.length - 1;
  let removal = removed.length - 1;
  while (index >= 0 || removal >= 0) {
    const insertion = inserted[index];
    const at = removed[removal] ?? -1;
    // An insertion goes before what stands at its place: what is removed there goes first.
    if (insertion === undefined || at >= insertion.at) {
      list.splice(at, 1);
      removal -= 1;
    } else {
      list.splice(insertion.at, 0, insertion.item);
      index -= 1;
    }
  }
};

/** Goes through what stays and what is inserted, in order, without looking at the items that stay. */
const walk = <Item>(
  { removed, inserted }: SortedEdits<Item>,
  length: number,
  keep: (from: number, end: number) => void,
  insert: (item: Item) => void,
): void => {
  let from = 0;
  let removal = 0;
  const keepTo = (end: number): void => {
    for (let at = removed[removal]; at !== undefined && at < end; at = removed[removal]) {
      keep(from, at);
      from = at + 1;
      removal += 1;
    }
    keep(from, end);
    from = end;
  };
  for (const { at, item } of inserted) {
    keepTo(at);
    insert(item);
  }
  keepTo(length);
};

/** The list after its edits, as a new one. */
export const applyEdits = <Item>(list: readonly Item[], edits: SortedEdits<Item>): Item[] => {
  const result: Item[] = [];
  if (!isFew(edits)) {
    const copy = (from: number, end: number): void => {
      for (let index = from; index < end; index += 1) result.push(list[index] as Item);
    };
    walk(edits, list.length, copy, (item) => result.push(item));
    return result;
  }
  // Whole pieces at once: a list that grows after it was copied is copied a second time.
  const pieces: (readonly Item[])[] = [];
  const slice = (from: number, end: number): void => {
    if (from < end) pieces.push(list.slice(from, end));
  };
  walk(edits, list.length, slice, (item) => pieces.push([item]));
  return result.concat(...pieces);
};

/** The list after its edits: the same one where that saves copying it. */
export const applyEditsTo = <Item>(list: Item[], edits: SortedEdits<Item>): Item[] => {
  if (!isFew(edits)) return applyEdits(list, edits);
  move(list, edits);
  return list;
};
