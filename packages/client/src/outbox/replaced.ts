import { laterStamp, type Seq, type Stamp } from "@synchro/core";
import type { Generation, HeldRecord } from "../store/held-record.ts";
import type { EntryId, OutboxEntry, Replaced } from "../store/outbox-entry.ts";

export const NOTHING_REPLACED: Replaced = { stamp: null, seq: 0, mark: 0, after: null };

/** The version as the server gave it; its seq counts as long as its mark does. */
export const replacedRecord = ({ stamp, seq, mark }: HeldRecord): Replaced => ({
  stamp,
  seq,
  mark,
  after: null,
});

/**
 * An entry that is still in the outbox. An offer's stamp is a stored one; the stamp of an edit may
 * yet change, and is taken over when it leaves.
 */
export const replacedEntry = ({ id, stamp, isOffer }: OutboxEntry): Replaced => ({
  stamp: isOffer ? stamp : null,
  seq: 0,
  mark: 0,
  after: id,
});

/** What `base` says in a request of this generation: null where no seq is held that it knows (CLIENT-8, CLIENT-19). */
export const baseOf = ({ replaced }: OutboxEntry, generation: Generation): Seq | null =>
  replaced.seq > 0 && replaced.mark === generation ? replaced.seq : null;

/** As what an entry leaves the outbox: its last stamp, and the version that it is known by now. */
export type Departure = {
  readonly stamp: Stamp | null;
  readonly seq: Seq;
  readonly mark: Generation;
};

const laterOf = (a: Stamp | null, b: Stamp | null): Stamp | null =>
  a === null || b === null ? (a ?? b) : laterStamp(a, b);

const inherit = (replaced: Replaced, left: OutboxEntry, as: Departure): Replaced => {
  const { stamp, seq, mark } = as;
  if (!left.isOffer) return { ...replaced, stamp: laterOf(replaced.stamp, stamp), seq, mark };
  // Ahead of an edit goes any offer of its record; the version that the edit replaced is only one of them.
  return replaced.stamp === left.stamp ? { ...replaced, seq, mark } : replaced;
};

/**
 * The entries of a record that waited for `left`, now that it goes: they know what they replaced, and
 * wait for another offer if there is one. `group`: the record's entries, `left` among them.
 */
export const releaseWaiting = (
  group: readonly OutboxEntry[],
  left: OutboxEntry,
  as: Departure,
): readonly OutboxEntry[] => {
  const ahead = group.find(({ id, isOffer }) => isOffer && id !== left.id)?.id ?? null;
  const after: EntryId | null = left.replaced.after ?? ahead;
  return group
    .filter(({ replaced }) => replaced.after === left.id)
    .map((entry) => ({ ...entry, replaced: { ...inherit(entry.replaced, left, as), after } }));
};

/** As what an entry leaves that was not stored under a seq that is known: what it replaced itself is the last version that its author saw. */
export const departUnstored = ({ stamp, replaced }: OutboxEntry): Departure => ({
  stamp: laterOf(stamp, replaced.stamp),
  seq: replaced.seq,
  mark: replaced.mark,
});
