import type { StoreTransaction } from "../store/client-store.ts";
import type { EntryId, OutboxEntry } from "../store/outbox-entry.ts";
import { removeEntry } from "./remove-entry.ts";

export type DiscardOutcome =
  | { readonly kind: "discarded"; readonly entry: OutboxEntry }
  /** It was sent and not answered yet: it may be applied already. */
  | { readonly kind: "in_flight" }
  | { readonly kind: "not_found" };

/** Gives up a change that waits, or a dead letter, at its user's wish. */
export const discardChange = async (
  transaction: StoreTransaction,
  id: EntryId,
): Promise<DiscardOutcome> => {
  const letter = await transaction.getDeadLetter(id);
  if (letter !== null) {
    await transaction.deleteDeadLetters([id]);
    return { kind: "discarded", entry: letter.entry };
  }
  const [entry] = await transaction.getEntries([id]);
  if (entry == null) return { kind: "not_found" };
  const { batch } = await transaction.getMeta(["batch"]);
  if (batch.includes(id)) return { kind: "in_flight" };
  await removeEntry(transaction, entry);
  return { kind: "discarded", entry };
};
