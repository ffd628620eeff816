/** One row of distances: to each beginning of the other word. */
type Row = readonly number[];

/** Edits of one letter, and swaps of two neighbours, that turn `a` into `b` (optimal string alignment). */
const distance = (a: string, b: string): number => {
  let beforeLast: Row = [];
  let last: Row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let left = 1; left <= a.length; left += 1) {
    const row = [left];
    for (let right = 1; right <= b.length; right += 1) {
      const isSame = a.charAt(left - 1) === b.charAt(right - 1);
      const replaced = (last[right - 1] ?? 0) + (isSame ? 0 : 1);
      const added = Math.min(last[right] ?? 0, row[right - 1] ?? 0) + 1;
      const isSwapped =
        a.charAt(left - 1) === b.charAt(right - 2) && a.charAt(left - 2) === b.charAt(right - 1);
      const swapped = isSwapped && left > 1 && right > 1 ? (beforeLast[right - 2] ?? 0) + 1 : added;
      row.push(Math.min(replaced, added, swapped));
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
};

/** The name that was probably meant: the nearest within a third of its letters; null if none is near. */
export const closestName = (typed: string, names: readonly string[]): string | null => {
  if (typed.length > 64) return null;
  let best: { readonly name: string; readonly edits: number } | null = null;
  for (const name of names) {
    const edits = distance(typed.toLowerCase(), name.toLowerCase());
    const isNear = edits <= Math.max(1, Math.floor(name.length / 3));
    if (isNear && (best === null || edits < best.edits)) best = { name, edits };
  }
  return best?.name ?? null;
};

/** How a line about an unknown name ends: the name that was probably meant, else all that there are. */
export const nameHint = (typed: string, names: readonly string[]): string => {
  const closest = closestName(typed, names);
  return closest === null ? `known are ${names.join(", ")}` : `did you mean ${closest}?`;
};
