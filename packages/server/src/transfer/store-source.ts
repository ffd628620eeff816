import type { CollectionName, CursorPosition, Runtime, SpaceId } from "@synchro/core";
import { StartError } from "../config/start-error.ts";
import type { PullOutcome, Store } from "../store/store.ts";
import type { ExportSource } from "./export-source.ts";
import { createRecordSpool, type RecordSpool } from "./record-spool.ts";
import { stoppedError } from "./stop-signal.ts";

type Fetch = {
  readonly store: Pick<Store, "pull">;
  readonly space: SpaceId;
  readonly collections: readonly CollectionName[];
  readonly tombstones: boolean;
  readonly runtime: Pick<Runtime, "sha256">;
  readonly limits: { readonly recordsMax: number; readonly bytesMax: number };
  readonly signal: AbortSignal;
  /** Told how many records have come. */
  readonly onProgress: (records: number) => void;
};

/** One run from the beginning; what changes meanwhile comes too. The last answer tells the digests. */
const runToEnd = async (
  { store, space, collections, tombstones, limits, signal, onProgress }: Fetch,
  spool: RecordSpool,
): Promise<PullOutcome> => {
  let position: CursorPosition | null = null;
  let received = 0;
  for (;;) {
    if (signal.aborted) throw stoppedError();
    const told = new Set<number>();
    const page: PullOutcome = await store.pull({
      space,
      cursor: position,
      ack: null,
      collections,
      tombstones,
      told,
      ...limits,
    });
    if (position !== null && page.reset !== null) {
      // What came belongs to data that was given up, and the run begins again.
      spool.clear();
      received = 0;
    }
    for (const record of page.records) spool.put(record);
    received += page.records.length;
    onProgress(received);
    if (!page.more) return page;
    position = page.position;
  }
};

/**
 * Reads the records of a space from a store that many share, page after page. At the end they are
 * those of one moment, and have been held against its digests.
 *
 * @throws StartError in one line.
 */
export const openStoreSource = async (fetching: Fetch): Promise<ExportSource> => {
  const spool = createRecordSpool();
  try {
    const { digests } = await runToEnd(fetching, spool);
    for (const name of fetching.collections) {
      const { count, sum } = spool.digest(name, fetching.runtime.sha256);
      const told = digests.get(name);
      if (told?.count === count && told.sum === sum) continue;
      throw new StartError(`${count} ${name} do not add up to their digest: run synchro doctor`);
    }
    if (!fetching.tombstones) spool.dropTombstones();
  } catch (error) {
    spool.close();
    throw error;
  }
  return { total: spool.count(), read: spool.read, close: spool.close };
};
