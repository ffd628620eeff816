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

/** Below so many edits, moving the rest of the list for each is cheaper than building it anew. */
const SPLICES_MAX = 16;

const splice = <Item>(list: readonly Item[], { removed, inserted }: SortedEdits<Item>): Item[] => {
  const result = list.slice();
  // From the end on, so that the indices before stay what they were.
  let index = inserted.length - 1;
  let removal = removed.length - 1;
  while (index >= 0 || removal >= 0) {
    const insertion = inserted[index];
    const at = removed[removal] ?? -1;
    // An insertion goes before what stands at its place: what is removed there goes first.
    if (insertion === undefined || at >= insertion.at) {
      result.splice(at, 1);
      removal -= 1;
    } else {
      result.splice(insertion.at, 0, insertion.item);
      index -= 1;
    }
  }
  return result;
};

const rebuild = <Item>(list: readonly Item[], { removed, inserted }: SortedEdits<Item>): Item[] => {
  const result: Item[] = [];
  let from = 0;
  let removal = 0;
  const copyTo = (end: number): void => {
    for (; from < end; from += 1) result.push(list[from] as Item);
  };
  const keepTo = (end: number): void => {
    for (let at = removed[removal]; at !== undefined && at < end; at = removed[removal]) {
      copyTo(at);
      from += 1;
      removal += 1;
    }
    copyTo(end);
  };
  for (const { at, item } of inserted) {
    keepTo(at);
    result.push(item);
  }
  keepTo(list.length);
  return result;
};

/** The list after its edits, as a new one. */
export const applyEdits = <Item>(list: readonly Item[], edits: SortedEdits<Item>): Item[] =>
  edits.removed.length + edits.inserted.length <= SPLICES_MAX
    ? splice(list, edits)
    : rebuild(list, edits);
