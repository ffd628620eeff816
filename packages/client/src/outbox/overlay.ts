import type { HeldRecord } from "../store/held-record.ts";
import type { OutboxEntry } from "../store/outbox-entry.ts";

/** What the user sees of a record: the newest edit of the device's own, else an offer that is newer than what the server gave, else that. */
export type Visible =
  | { readonly from: "outbox"; readonly value: string | null; readonly entry: OutboxEntry }
  | { readonly from: "server"; readonly value: string | null; readonly record: HeldRecord };

/**
 * The entry that stands over a record, of `group`, its entries by ascending id; null if the record
 * shows through. An edit always stands over it, whatever the stamps say, until it is answered.
 */
export const entryInFront = (
  held: HeldRecord | null,
  group: readonly OutboxEntry[],
): OutboxEntry | null => {
  const edit = group.findLast(({ isOffer }) => !isOffer);
  if (edit !== undefined) return edit;
  let newest: OutboxEntry | null = null;
  for (const offer of group) {
    if (offer.stamp === null || (held !== null && offer.stamp <= held.stamp)) continue;
    if (newest === null || newest.stamp === null || offer.stamp > newest.stamp) newest = offer;
  }
  return newest;
};

/** Null: there is nothing of the record. A `value` of null: it is deleted. */
export const overlay = (held: HeldRecord | null, group: readonly OutboxEntry[]): Visible | null => {
  const entry = entryInFront(held, group);
  if (entry !== null) return { from: "outbox", value: entry.value, entry };
  return held === null ? null : { from: "server", value: held.value, record: held };
};

/** The same for many records of one collection at once, by key; `entries` by ascending id. */
export const overlayAll = (
  records: Iterable<HeldRecord>,
  entries: Iterable<OutboxEntry>,
): ReadonlyMap<string, Visible> => {
  const groups = new Map<string, OutboxEntry[]>();
  for (const entry of entries) {
    const group = groups.get(entry.key);
    if (group === undefined) groups.set(entry.key, [entry]);
    else group.push(entry);
  }
  const visible = new Map<string, Visible>();
  const add = (key: string, seen: Visible | null): void => {
    if (seen !== null) visible.set(key, seen);
  };
  for (const record of records) {
    add(record.key, overlay(record, groups.get(record.key) ?? []));
    groups.delete(record.key);
  }
  for (const [key, group] of groups) add(key, overlay(null, group));
  return visible;
};
