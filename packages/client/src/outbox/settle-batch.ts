import type { ChangeResult } from "@synchro/core";
import type { StoreTransaction } from "../store/client-store.ts";
import type { Generation, HeldRecord } from "../store/held-record.ts";
import type { DeadLetter, EntryId, OutboxEntry } from "../store/outbox-entry.ts";
import { patchedVersion } from "./patch.ts";
import { baseOf } from "./replaced.ts";
import {
  entriesAfter,
  isSettled,
  type SettleContext,
  settleEntry,
  type Settlement,
} from "./settlement.ts";

export type { Settlement } from "./settlement.ts";

export type SettledBatch = {
  /** One a change of the batch, in order. */
  readonly settlements: readonly Settlement[];
  /** The versions of the client's making that the server now has: not written yet, to be applied like records that arrive. */
  readonly confirmed: readonly HeldRecord[];
};

/** The record that an applied change left on the server. */
const confirmedBy = (
  settlement: Settlement,
  { held, sentUnder }: { readonly held: HeldRecord | null; readonly sentUnder: Generation },
): readonly HeldRecord[] => {
  if (settlement.kind !== "applied") return [];
  const { collection, key, value, stamp, author, patch } = settlement.entry;
  const { seq, mark } = settlement.as;
  // Seq 0 settles the entry and claims no version (CLIENT-9).
  if (seq === 0 || stamp === null) return [];
  // Only the server knows whose token it was: an unproven name is never taken for a proven one.
  const writer = author === null ? null : { name: author, verified: false };
  const version = { collection, key, value, stamp, seq, mark, author: writer };
  if (patch === undefined) return [version];
  const base = baseOf(settlement.entry, sentUnder);
  const patched = patchedVersion({ ...settlement.entry, stamp }, patch, { held, base });
  return patched === null ? [] : [{ ...version, ...patched }];
};

const lettersOf = (settlements: readonly Settlement[], context: SettleContext) =>
  settlements.flatMap((settlement): readonly DeadLetter[] => {
    if (settlement.kind !== "refused") return [];
    const { entry, rejection } = settlement;
    return [{ entry, rejection, refusedAt: context.settledAt }];
  });

/** The versions that patches were made over; most collections need none. */
const heldUnderPatches = async (
  transaction: StoreTransaction,
  entries: readonly (OutboxEntry | null)[],
): Promise<ReadonlyMap<EntryId, HeldRecord | null>> => {
  const patched = entries
    .filter((entry) => entry !== null)
    .filter(({ patch }) => patch !== undefined);
  if (patched.length === 0) return new Map();
  const held = await transaction.getRecords(patched);
  return new Map(patched.map(({ id }, index) => [id, held[index] ?? null]));
};

/**
 * Applies the results of the batch in flight to the outbox, one a change, in order, or a prefix: part
 * of the transaction that applies the whole answer. Nothing is in flight afterwards. Offers that were
 * dropped are counted. Spec: CLIENT-4, CLIENT-5, CLIENT-9, CLIENT-12, CLIENT-23, CLIENT-28.
 */
export const settleBatch = async (
  transaction: StoreTransaction,
  results: readonly ChangeResult[],
  context: SettleContext,
): Promise<SettledBatch> => {
  const meta = await transaction.getMeta(["batch", "offersDropped", "generation"]);
  // The answer's own generation, if it begins one, is put down after this.
  const { batch, offersDropped, generation: sentUnder } = meta;
  const entries = await transaction.getEntries(batch);
  const held = await heldUnderPatches(transaction, entries);
  const settlements = entries.flatMap((entry, index) =>
    entry === null ? [] : [settleEntry(entry, results[index], context, held.get(entry.id) ?? null)],
  );
  const groups = await transaction.getEntriesOf(settlements.map(({ entry }) => entry));
  await transaction.putEntries(
    settlements.flatMap((settlement, index) => entriesAfter(groups[index] ?? [], settlement)),
  );
  const gone = settlements.filter(isSettled).map(({ entry }): EntryId => entry.id);
  await transaction.deleteEntries(gone);
  await transaction.putDeadLetters(lettersOf(settlements, context));
  const dropped = settlements.filter(({ kind }) => kind === "dropped").length;
  await transaction.putMeta({
    batch: [],
    ...(dropped === 0 ? {} : { offersDropped: offersDropped + dropped }),
  });
  const confirmed = settlements.flatMap((each) =>
    confirmedBy(each, { held: held.get(each.entry.id) ?? null, sentUnder }),
  );
  return { settlements, confirmed };
};
