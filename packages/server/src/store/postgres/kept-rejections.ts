import type { RefusedEvidence, Stamp } from "@synchro/core";

export type StoredRejection = { readonly n: number; readonly fingerprint: string };

/** A refused change, as a push leaves it behind. */
export type NewRejection = {
  readonly refused: RefusedEvidence;
  /** The same for the same refusal of the same change by the same client. */
  readonly fingerprint: string;
  readonly clientId: string | null;
  readonly keptAt: Stamp;
};

export type NumberedRejection = NewRejection & { readonly n: number };

type Entry = StoredRejection & { readonly added: NewRejection | null };

/**
 * What the table must lose and gain so that it holds what it would if each push had been made
 * alone: a refusal is kept once, and `perSpaceMax` in a space, counted when a push is over.
 * `stored` is all that it holds of the space, in the order of `n`.
 */
export const mergeRejections = (
  stored: readonly StoredRejection[],
  addedByPush: readonly (readonly NewRejection[])[],
  { perSpaceMax, kept }: { readonly perSpaceMax: number; readonly kept: number },
): {
  readonly dropped: readonly number[];
  readonly added: readonly NumberedRejection[];
  /** The last number given. */
  readonly kept: number;
} => {
  let entries: Entry[] = stored.map((each) => ({ ...each, added: null }));
  const known = new Set(entries.map(({ fingerprint }) => fingerprint));
  const dropped: number[] = [];
  let n = kept;
  for (const added of addedByPush) {
    let hasNew = false;
    for (const each of added) {
      if (known.has(each.fingerprint)) continue;
      n += 1;
      hasNew = true;
      known.add(each.fingerprint);
      entries.push({ n, fingerprint: each.fingerprint, added: each });
    }
    if (!hasNew) continue;
    for (const gone of entries.slice(0, -perSpaceMax)) {
      known.delete(gone.fingerprint);
      if (gone.added === null) dropped.push(gone.n);
    }
    entries = entries.slice(-perSpaceMax);
  }
  return {
    dropped,
    added: entries.flatMap((entry) =>
      entry.added === null ? [] : [{ ...entry.added, n: entry.n }],
    ),
    kept: n,
  };
};
