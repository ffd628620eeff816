import type { StoreReader } from "../store/client-store.ts";
import type { EntryId } from "../store/outbox-entry.ts";

const CHUNK = 100;

/** Whether the outbox holds an entry that could go out now: one that waits for no other, and is not put aside. */
export const hasSendable = async (
  reader: StoreReader,
  aside: Pick<ReadonlySet<EntryId>, "has">,
): Promise<boolean> => {
  let last: EntryId = 0;
  for (;;) {
    const entries = await reader.scanOutbox(last, CHUNK);
    if (entries.some(({ id, replaced }) => replaced.after === null && !aside.has(id))) return true;
    if (entries.length < CHUNK) return false;
    last = entries.at(-1)?.id ?? last;
  }
};
