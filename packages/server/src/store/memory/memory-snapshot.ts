import {
  type CollectionName,
  compareCodePoints,
  recordId,
  type Seq,
  type SpaceState,
  type Stamp,
  type StoredRecord,
} from "@synchro/core";
import { chunkRecords } from "../chunk-records.ts";
import type { SpaceSnapshot } from "../store.ts";
import type { SpaceImage } from "./memory-disk.ts";

const newestFirst = (a: StoredRecord, b: StoredRecord): number => {
  if (a.stamp !== b.stamp) return a.stamp > b.stamp ? -1 : 1;
  return compareCodePoints(a.key, b.key);
};

/** An image is one moment already: the snapshot only holds on to it. */
export class MemorySnapshot implements SpaceSnapshot {
  readonly state: SpaceState | null;
  readonly #image: SpaceImage | null;
  #isClosed = false;

  constructor(image: SpaceImage | null) {
    this.#image = image;
    this.state = image?.state ?? null;
  }

  async lookup(
    collection: CollectionName,
    keys: readonly string[],
  ): Promise<readonly StoredRecord[]> {
    this.#checkOpen();
    return keys.flatMap((key) => {
      const kept = this.#image?.records.get(recordId(collection, key));
      return kept === undefined ? [] : [kept.record];
    });
  }

  async *liveByStamp(
    collection: CollectionName,
    filter: { readonly afterStamp: Stamp | null; readonly afterSeq: Seq },
  ): AsyncGenerator<readonly StoredRecord[]> {
    this.#checkOpen();
    const { afterStamp, afterSeq } = filter;
    const wanted = [...(this.#image?.records.values() ?? [])]
      .map(({ record }) => record)
      .filter((record) => record.collection === collection && record.value !== null)
      .filter((record) => record.seq > afterSeq)
      .filter((record) => afterStamp === null || record.stamp > afterStamp)
      .toSorted(newestFirst);
    for (const chunk of chunkRecords(wanted)) {
      this.#checkOpen();
      yield chunk;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new Error("the snapshot is closed");
  }
}
