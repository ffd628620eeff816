import type { CollectionName, Stamp } from "@synchro/core";
import type { ClientStore, StoreReader } from "./client-store.ts";
import type { HeldRecord } from "./held-record.ts";
import type { DeadLetter, EntryId, OutboxEntry } from "./outbox-entry.ts";
import { newStoreMeta, type StoreMeta } from "./store-meta.ts";

/** How the suite opens an engine, again and again over the same data. */
export type StoreHarness = {
  readonly open: (options?: {
    readonly createClientId?: () => string;
    readonly onLost?: (error: Error) => void;
  }) => Promise<ClientStore>;
  /** No room for whatever `overflowing` holds; or room again. */
  readonly setFull: (isFull: boolean) => void;
  /** Makes the data, which nobody has open, look as if a newer program had written them; null where there is no such thing. */
  readonly makeNewer: (() => Promise<void>) | null;
  readonly cleanUp: () => Promise<void>;
};

export const readings = "readings" as CollectionName;
export const batches = "batches" as CollectionName;
export const stamp = (second: number): Stamp =>
  `2026-11-24T10:00:${String(second).padStart(2, "0")}.000000Z` as Stamp;

export const record = (key: string, more: Partial<HeldRecord> = {}): HeldRecord => ({
  collection: readings,
  key,
  seq: 1,
  stamp: stamp(1),
  value: `{"gtin":${JSON.stringify(key)}}`,
  author: null,
  mark: 1,
  ...more,
});

export const entry = (id: EntryId, more: Partial<OutboxEntry> = {}): OutboxEntry => ({
  id,
  collection: readings,
  key: `k${id}`,
  value: `{"id":${id}}`,
  stamp: null,
  replaced: { stamp: null, seq: 0, mark: 0, after: null },
  author: "anna",
  isOffer: false,
  editedAt: stamp(2),
  schemaVersion: 1,
  ...more,
});

export const letter = (id: EntryId): DeadLetter => ({
  entry: entry(id),
  rejection: { code: "schema_mismatch", message: "gtin is required", path: "/value/gtin" },
  refusedAt: stamp(3),
});

/** More than fits where the harness has been told that there is no room. */
export const overflowing: readonly HeldRecord[] = Array.from({ length: 40 }, (_, index) =>
  record(`big-${index}`, { value: `{"note":"${"x".repeat(100_000)}"}` }),
);

const metaNames = Object.keys(newStoreMeta("")) as (keyof StoreMeta)[];

/** Everything that a store holds. */
export type StoreDump = {
  readonly meta: StoreMeta;
  readonly records: readonly HeldRecord[];
  readonly entries: readonly OutboxEntry[];
  readonly letters: readonly DeadLetter[];
};

export const dumpReader = async (reader: StoreReader): Promise<StoreDump> => {
  const records: HeldRecord[] = [];
  for (const collection of await reader.listCollections()) {
    records.push(...(await reader.scanRecords(collection, { after: null, limit: 1_000_000 })));
  }
  return {
    meta: await reader.getMeta(metaNames),
    records,
    entries: await reader.scanOutbox(0, 1_000_000),
    letters: await reader.scanDeadLetters(0, 1_000_000),
  };
};

export const dump = (store: ClientStore): Promise<StoreDump> => store.read(dumpReader);
