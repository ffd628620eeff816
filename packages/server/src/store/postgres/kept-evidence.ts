import { type Evidence, recordId, type Runtime, type Stamp, toHex } from "@synchro/core";

/** What tells versions of one record apart: half of a SHA-256. */
export const HASH_DIGITS = 32;

export const hashOf = (sha256: Runtime["sha256"], text: string): string =>
  toHex(sha256(text)).slice(0, HASH_DIGITS);

/** Evidence that the table holds, without what it says. */
export type StoredEvidence = {
  readonly n: number;
  readonly collection: string;
  readonly key: string;
  readonly stamp: Stamp;
  readonly valueHash: string;
  readonly keptAt: Stamp;
};

/** Evidence that a push leaves behind. */
export type NewEvidence = {
  readonly evidence: Evidence;
  readonly valueHash: string;
  readonly clientId: string | null;
  readonly keptAt: Stamp;
  /** What was kept before counts as gone. */
  readonly cutoff: Stamp;
};

export type NumberedEvidence = NewEvidence & { readonly n: number };

type Entry = Pick<StoredEvidence, "n" | "stamp" | "valueHash" | "keptAt"> & {
  readonly added: NewEvidence | null;
};

/**
 * What the table must lose and gain so that it holds what it would if each piece had been added
 * alone, in order: a version is kept once, and `perRecordMax` of a record. `stored` is all that it
 * holds of the records in question, in the order of `n`.
 */
export const mergeEvidence = (
  stored: readonly StoredEvidence[],
  added: readonly NewEvidence[],
  { perRecordMax, kept }: { readonly perRecordMax: number; readonly kept: number },
): {
  readonly dropped: readonly number[];
  readonly added: readonly NumberedEvidence[];
  /** The last number given. */
  readonly kept: number;
} => {
  const entriesById = new Map<string, Entry[]>();
  const entriesOf = (of: { readonly collection: string; readonly key: string }): Entry[] => {
    const id = recordId(of.collection as Evidence["collection"], of.key);
    const known = entriesById.get(id);
    if (known !== undefined) return known;
    const fresh: Entry[] = [];
    entriesById.set(id, fresh);
    return fresh;
  };
  for (const each of stored) entriesOf(each).push({ ...each, added: null });
  let n = kept;
  const dropped: number[] = [];
  const drop = (gone: readonly Entry[]): void => {
    for (const each of gone) if (each.added === null) dropped.push(each.n);
  };
  for (const each of added) {
    const { evidence, valueHash, keptAt, cutoff } = each;
    const entries = entriesOf(evidence);
    drop(entries.filter((entry) => entry.keptAt < cutoff));
    const valid = entries.filter((entry) => entry.keptAt >= cutoff);
    const isKnown = valid.some(
      (entry) => entry.stamp === evidence.stamp && entry.valueHash === valueHash,
    );
    if (!isKnown) {
      n += 1;
      valid.push({ n, stamp: evidence.stamp, valueHash, keptAt, added: each });
    }
    drop(valid.slice(0, -perRecordMax));
    entries.splice(0, entries.length, ...valid.slice(-perRecordMax));
  }
  const remaining = [...entriesById.values()].flat();
  return {
    dropped,
    added: remaining.flatMap((entry) =>
      entry.added === null ? [] : [{ ...entry.added, n: entry.n }],
    ),
    kept: n,
  };
};
