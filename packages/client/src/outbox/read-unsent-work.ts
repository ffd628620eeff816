import type { StoreReader } from "../store/client-store.ts";
import type { DeadLetter, EntryId, OutboxEntry } from "../store/outbox-entry.ts";

/** Everything that this device has and the server has not. */
export type UnsentWork = {
  readonly entries: readonly OutboxEntry[];
  readonly deadLetters: readonly DeadLetter[];
};

/** Read at a time. */
const SCAN_CHUNK = 1_000;

const readAll = async <Item>(
  scan: (after: EntryId) => Promise<readonly Item[]>,
  idOf: (item: Item) => EntryId,
): Promise<readonly Item[]> => {
  const items: Item[] = [];
  for (;;) {
    const last = items.at(-1);
    const more = await scan(last === undefined ? 0 : idOf(last));
    items.push(...more);
    if (more.length < SCAN_CHUNK) return items;
  }
};

/** What would be lost with this store: to be listed, or exported before it goes. */
export const readUnsentWork = async (reader: StoreReader): Promise<UnsentWork> => ({
  entries: await readAll(
    (after) => reader.scanOutbox(after, SCAN_CHUNK),
    ({ id }) => id,
  ),
  deadLetters: await readAll(
    (after) => reader.scanDeadLetters(after, SCAN_CHUNK),
    ({ entry }) => entry.id,
  ),
});
