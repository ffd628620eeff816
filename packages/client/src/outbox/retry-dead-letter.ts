import type { Stamp } from "@synchro/core";
import type { StoreTransaction } from "../store/client-store.ts";
import { changedFields } from "../store/field-state.ts";
import type { EntryId, OutboxEntry } from "../store/outbox-entry.ts";
import { patchMembers } from "./patch.ts";
import { putEdits } from "./record-edits.ts";

export type Retry = {
  /** The device's clock, uncorrected: a retry is an edit made now, with a stamp of its own. */
  readonly editedAt: Stamp;
  /** What to send instead; absent: the same value, in the name of who made it. */
  readonly edited?: Pick<OutboxEntry, "value" | "author" | "schemaVersion">;
};

/** Sends a dead letter anew, as it is or edited. Answers the entry that it has become; null if there is no such letter. */
export const retryDeadLetter = async (
  transaction: StoreTransaction,
  id: EntryId,
  { editedAt, edited }: Retry,
): Promise<OutboxEntry | null> => {
  const letter = await transaction.getDeadLetter(id);
  if (letter === null) return null;
  const { collection, key, value, author, schemaVersion, patch } = letter.entry;
  const change = edited ?? { value, author, schemaVersion };
  const touched = new Set([
    ...Object.keys(patchMembers(letter.entry)),
    ...changedFields(value, change.value),
  ]);
  const fields = patch === undefined ? {} : { fields: [...touched] };
  const [entry] = await putEdits(transaction, [
    { collection, key, editedAt, ...change, ...fields },
  ]);
  await transaction.deleteDeadLetters([id]);
  return entry ?? null;
};
