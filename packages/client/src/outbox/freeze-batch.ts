import { addMicros, laterStamp, recordId, type Stamp, utf8Length } from "@synchro/core";
import type { StoreReader, StoreTransaction } from "../store/client-store.ts";
import type { Generation } from "../store/held-record.ts";
import type { EntryId, OutboxEntry } from "../store/outbox-entry.ts";

/** An entry whose stamp stands: ready to be sent. */
export type FrozenEntry = OutboxEntry & { readonly stamp: Stamp };

export type Batch = {
  /** In the order in which they are sent, and answered. */
  readonly entries: readonly FrozenEntry[];
  /** The generation under which they are sent: `baseOf` asks for it. */
  readonly generation: Generation;
};

export type BatchLimits = {
  readonly entriesMax: number;
  /** Bytes of changes past which a batch takes no more; a single change may be larger. */
  readonly bytesMax: number;
  /** Entries to pass over. */
  readonly aside?: Pick<ReadonlySet<EntryId>, "has">;
};

export type FreezeOptions = BatchLimits & {
  /** What the correction adds to the device's clock (CLIENT-26). */
  readonly clockOffsetMs: number;
};

/** Names, stamp, base and author of a change on the wire take about this many bytes beside key and value. */
const ENVELOPE_BYTES = 200;

const entryBytes = ({ key, value }: OutboxEntry): number =>
  ENVELOPE_BYTES + utf8Length(key) + utf8Length(value ?? "");

/** `max(corrected clock, stamp of the version that the edit replaced + 1 µs)`, once and for all: CLIENT-27. */
const freezeEntry = (entry: OutboxEntry, clockOffsetMs: number): FrozenEntry => {
  const { stamp, replaced, editedAt } = entry;
  if (stamp !== null) return { ...entry, stamp };
  const corrected = addMicros(editedAt, Math.round(clockOffsetMs * 1000));
  if (replaced.stamp === null) return { ...entry, stamp: corrected };
  return { ...entry, stamp: laterStamp(corrected, addMicros(replaced.stamp, 1)) };
};

/** Takes entries as long as they fit: a record once, none that waits for another, and at least one. */
const createPicker = ({ entriesMax, bytesMax, aside }: BatchLimits) => {
  const picked: OutboxEntry[] = [];
  const records = new Set<string>();
  let bytes = 0;
  const canGo = ({ id, replaced }: OutboxEntry): boolean =>
    replaced.after === null && aside?.has(id) !== true;
  return {
    picked,
    /** False once the batch is full. */
    offer: (entry: OutboxEntry): boolean => {
      if (picked.length >= entriesMax) return false;
      const name = recordId(entry.collection, entry.key);
      if (!canGo(entry) || records.has(name)) return true;
      bytes += entryBytes(entry);
      if (picked.length > 0 && bytes > bytesMax) return false;
      records.add(name);
      picked.push(entry);
      return true;
    },
  };
};

const pickEntries = async (
  reader: StoreReader,
  limits: BatchLimits,
): Promise<readonly OutboxEntry[]> => {
  const picker = createPicker(limits);
  const chunk = limits.entriesMax + 1;
  let last: EntryId = 0;
  for (;;) {
    const entries = await reader.scanOutbox(last, chunk);
    for (const entry of entries) if (!picker.offer(entry)) return picker.picked;
    if (entries.length < chunk) return picker.picked;
    last = entries.at(-1)?.id ?? last;
  }
};

/**
 * The changes to send next, with their stamps fixed for good; null if none can go. Nothing may leave
 * before the transaction is durable (`strict`). A batch that has no answer yet is the next one again,
 * whatever the limits. Spec: CLIENT-1, CLIENT-2, CLIENT-27.
 */
export const freezeBatch = async (
  transaction: StoreTransaction,
  { clockOffsetMs, ...limits }: FreezeOptions,
): Promise<Batch | null> => {
  const { batch, generation } = await transaction.getMeta(["batch", "generation"]);
  const inFlight = await transaction.getEntries(batch);
  const sent = inFlight.flatMap((entry) =>
    entry === null || entry.stamp === null ? [] : [{ ...entry, stamp: entry.stamp }],
  );
  if (sent.length > 0) return { entries: sent, generation };
  const picked = await pickEntries(transaction, limits);
  if (picked.length === 0) return null;
  const entries = picked.map((entry) => freezeEntry(entry, clockOffsetMs));
  await transaction.putEntries(entries.filter((_, index) => picked[index]?.stamp === null));
  await transaction.putMeta({ batch: entries.map(({ id }) => id) });
  return { entries, generation };
};

/** Gives up a batch that was refused as a whole, such as by 413: its changes wait again, and their stamps stand. Spec: CLIENT-7. */
export const releaseBatch = (transaction: StoreTransaction): Promise<void> =>
  transaction.putMeta({ batch: [] });
