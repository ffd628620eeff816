import { recordId, type Stamp } from "@synchro/core";
import type { StoreTransaction } from "../store/client-store.ts";
import { ClientStoreError } from "../store/client-store-error.ts";
import type { HeldRecord, RecordName } from "../store/held-record.ts";
import type { EntryId, OutboxEntry } from "../store/outbox-entry.ts";
import { schemaVersionOf, type StoreMeta } from "../store/store-meta.ts";
import { entryInFront } from "./overlay.ts";
import { joinPatches, lifeSeen, patchOver } from "./patch.ts";
import { NOTHING_REPLACED, replacedEntry, replacedRecord } from "./replaced.ts";

/** What the user did to one record. */
export type Edit = RecordName & {
  /** The new value as JSON text that has passed the data rules; null: deleted. */
  readonly value: string | null;
  /** In a collection with the policy `fields`: those that it changes. */
  readonly fields?: readonly string[];
  readonly author: string | null;
  /** The device's clock, uncorrected. */
  readonly editedAt: Stamp;
  readonly schemaVersion: number;
};

/**
 * The entry that an edit makes, pure. An edit that was never sent takes the new value, if it is the
 * same author's; any other stays as it is, and the new entry waits for it. `group`: the record's
 * entries by ascending id; `id`: for a new entry.
 */
const planEdit = (
  held: HeldRecord | null,
  group: readonly OutboxEntry[],
  { fields, ...edit }: Edit,
  id: EntryId,
): OutboxEntry => {
  const front = entryInFront(held, group);
  const patch =
    fields === undefined ? undefined : patchOver(lifeSeen(held, front), { ...edit, fields });
  if (front !== null && front.stamp === null && front.author === edit.author) {
    if (patch === undefined) return { ...front, ...edit };
    const joined = front.patch === undefined ? patch : joinPatches(front.patch, patch);
    return { ...front, ...edit, patch: joined };
  }
  const shown = held === null ? NOTHING_REPLACED : replacedRecord(held);
  const replaced = front === null ? shown : replacedEntry(front);
  // Also an offer that does not show, for something newer stands over it, goes ahead.
  const after = replaced.after ?? group.find(({ isOffer }) => isOffer)?.id ?? null;
  const entry = { ...edit, id, stamp: null, replaced: { ...replaced, after }, isOffer: false };
  return patch === undefined ? entry : { ...entry, patch };
};

/** A tab that still runs an older program must not put its old values among those that were upgraded. */
const assertOfToday = (meta: Pick<StoreMeta, "schemaVersions">, edit: Edit): void => {
  const present = schemaVersionOf(meta, edit.collection);
  if (edit.schemaVersion >= present) return;
  throw new ClientStoreError(
    "newer_schema",
    `the local ${edit.collection} were upgraded to version ${present}, and this edit is of version ${edit.schemaVersion}: reload the program`,
  );
};

/** The same as {@link recordEdits}, also for a value of an older declaration, which then goes out as it is. */
export const putEdits = async (
  transaction: StoreTransaction,
  edits: readonly Edit[],
): Promise<readonly OutboxEntry[]> => {
  let { nextEntryId } = await transaction.getMeta(["nextEntryId"]);
  const held = await transaction.getRecords(edits);
  const stored = await transaction.getEntriesOf(edits);
  const groups = new Map<string, readonly OutboxEntry[]>();
  const written = new Map<EntryId, OutboxEntry>();
  const answers = edits.map((edit, index): EntryId => {
    const name = recordId(edit.collection, edit.key);
    const group = groups.get(name) ?? stored[index] ?? [];
    const entry = planEdit(held[index] ?? null, group, edit, nextEntryId);
    if (entry.id === nextEntryId) nextEntryId += 1;
    groups.set(name, [...group.filter(({ id }) => id !== entry.id), entry]);
    written.set(entry.id, entry);
    return entry.id;
  });
  await transaction.putMeta({ nextEntryId });
  await transaction.putEntries([...written.values()]);
  return answers.flatMap((id) => written.get(id) ?? []);
};

/**
 * Puts edits into the outbox, in their order, and answers the entry of each. The version that each
 * replaced is noted in this very transaction. Spec: CLIENT-8, CLIENT-27.
 *
 * @throws ClientStoreError `newer_schema` if another tab has upgraded the values since this program started.
 */
export const recordEdits = async (
  transaction: StoreTransaction,
  edits: readonly Edit[],
): Promise<readonly OutboxEntry[]> => {
  const meta = await transaction.getMeta(["schemaVersions"]);
  for (const edit of edits) assertOfToday(meta, edit);
  return putEdits(transaction, edits);
};
