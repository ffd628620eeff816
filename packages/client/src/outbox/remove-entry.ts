import type { StoreTransaction } from "../store/client-store.ts";
import type { OutboxEntry } from "../store/outbox-entry.ts";
import { departUnstored, releaseWaiting } from "./replaced.ts";

/** Takes an entry out of the outbox that was not stored under a seq that is known, and lets go what waited for it. */
export const removeEntry = async (
  transaction: StoreTransaction,
  entry: OutboxEntry,
): Promise<void> => {
  const [group = []] = await transaction.getEntriesOf([entry]);
  await transaction.putEntries(releaseWaiting(group, entry, departUnstored(entry)));
  await transaction.deleteEntries([entry.id]);
};
