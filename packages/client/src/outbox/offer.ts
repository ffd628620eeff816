import type { Stamp } from "@synchro/core";
import type { StoreTransaction } from "../store/client-store.ts";
import { isNewsTo } from "../store/field-state.ts";
import type { HeldRecord } from "../store/held-record.ts";
import type { EntryId, OutboxEntry } from "../store/outbox-entry.ts";
import { schemaVersionOf } from "../store/store-meta.ts";
import { patchOfVersion } from "./patch.ts";
import { removeEntry } from "./remove-entry.ts";
import { NOTHING_REPLACED } from "./replaced.ts";

export type OfferContext = {
  /** The device's clock, uncorrected. */
  readonly offeredAt: Stamp;
};

const versionOffered = ({ value, patch }: OutboxEntry, stamp: Stamp) => {
  if (patch?.stamps === undefined) return { value, stamp };
  return { value, stamp, fieldState: { life: patch.life, stamps: patch.stamps } };
};

/**
 * The entries to write so that a version held is offered to the server again, pure: the offer, and
 * the edits of its record that now wait for it. None if an offer of a stamp as great is there.
 * `group`: the record's entries.
 */
const planOffer = (
  group: readonly OutboxEntry[],
  held: HeldRecord,
  offer: Pick<OutboxEntry, "id" | "editedAt" | "schemaVersion">,
): readonly OutboxEntry[] => {
  const { collection, key, value, stamp, author, fieldState } = held;
  const isThere = group.some(
    (entry) =>
      entry.isOffer &&
      entry.stamp !== null &&
      entry.stamp >= stamp &&
      (fieldState === undefined || !isNewsTo(versionOffered(entry, entry.stamp), held)),
  );
  if (isThere) return [];
  // An edit that was sent goes first: its bytes may be on their way.
  const waiting = group
    .filter((entry) => !entry.isOffer && entry.stamp === null && entry.replaced.after === null)
    .map((entry) => ({ ...entry, replaced: { ...entry.replaced, after: offer.id } }));
  return [
    {
      ...offer,
      collection,
      key,
      value,
      stamp,
      replaced: NOTHING_REPLACED,
      author: author?.name ?? null,
      isOffer: true,
      ...(fieldState === undefined ? {} : { patch: patchOfVersion(held) }),
    },
    ...waiting,
  ];
};

/**
 * Offers versions that this store holds and the server may have lost, with their stored stamps and
 * authors, ahead of the user's own edits: in the transaction that replaces or removes them, each
 * record at most once. Answers how many offers were made. Spec: CLIENT-22.
 */
export const offerRecords = async (
  transaction: StoreTransaction,
  records: readonly HeldRecord[],
  { offeredAt }: OfferContext,
): Promise<number> => {
  if (records.length === 0) return 0;
  const meta = await transaction.getMeta(["nextEntryId", "schemaVersions"]);
  const groups = await transaction.getEntriesOf(records);
  let { nextEntryId } = meta;
  const writes = records.flatMap((record, index) => {
    const schemaVersion = schemaVersionOf(meta, record.collection);
    const offer = { id: nextEntryId, editedAt: offeredAt, schemaVersion };
    const planned = planOffer(groups[index] ?? [], record, offer);
    if (planned.length > 0) nextEntryId += 1;
    return planned;
  });
  await transaction.putEntries(writes);
  await transaction.putMeta({ nextEntryId });
  return nextEntryId - meta.nextEntryId;
};

/** Entries read at a time. */
const SCAN_CHUNK = 1_000;

/**
 * Drops every offer, in flight or not, and counts them in `offersDropped`: this client may not write
 * (403). Edits stay. Answers how many were dropped. Spec: CLIENT-23.
 */
export const dropOffers = async (transaction: StoreTransaction): Promise<number> => {
  let last: EntryId = 0;
  let dropped = 0;
  for (;;) {
    const entries = await transaction.scanOutbox(last, SCAN_CHUNK);
    for (const entry of entries) {
      if (!entry.isOffer) continue;
      await removeEntry(transaction, entry);
      dropped += 1;
    }
    if (entries.length < SCAN_CHUNK) break;
    last = entries.at(-1)?.id ?? last;
  }
  if (dropped === 0) return 0;
  const { batch, offersDropped } = await transaction.getMeta(["batch", "offersDropped"]);
  const kept = await transaction.getEntries(batch);
  await transaction.putMeta({
    batch: batch.filter((_, index) => kept[index] != null),
    offersDropped: offersDropped + dropped,
  });
  return dropped;
};
