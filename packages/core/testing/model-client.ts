import type { CollectionName } from "../src/collection-name.ts";
import type { ChangeResult, WriteChange } from "../src/push/push-change.ts";
import { recordId, type StoredRecord } from "../src/record.ts";
import type { Stamp } from "../src/stamp.ts";
import type { ModelPage, ModelSpace } from "./model-space.ts";

type Held = { readonly record: StoredRecord; readonly mark: number };

export type ModelSync = {
  readonly now: Stamp;
  readonly limit: number;
  readonly bytesMax: number;
  readonly lostBytesMax: number;
  /** What others do between this request's commit and the snapshot that answers it. */
  readonly between: () => void;
};

/** A client that keeps every duty of `docs/spec/client.md` that concerns data, and no more. */
export class ModelClient {
  collections: readonly CollectionName[] | null;
  cursor: string | null = null;
  ack: string | null = null;
  generation = 0;
  readonly held = new Map<string, Held>();
  readonly outbox = new Map<string, WriteChange>();
  /** The digests of the answer just applied; null where more is left. */
  digests: ModelPage["digests"] = null;
  /** True while a run from the beginning is not at its end. */
  isInRun = false;
  readonly resets: string[] = [];
  #inFlight: readonly WriteChange[] | null = null;
  #isOfferRun = false;

  constructor(collections: readonly CollectionName[] | null) {
    this.collections = collections;
  }

  /** Held under the present generation's mark: what the cursor speaks of. */
  current(id: string): StoredRecord | null {
    const held = this.held.get(id);
    return held?.mark === this.generation ? held.record : null;
  }

  edit(change: Omit<WriteChange, "base">): void {
    const id = recordId(change.collection, change.key);
    this.#queue({ ...change, base: this.current(id)?.seq ?? null });
  }

  /** One entry a record: the later stamp, as a client's own stamps are later than what they replace. */
  #queue(change: WriteChange): void {
    const id = recordId(change.collection, change.key);
    const queued = this.outbox.get(id);
    if (queued === undefined || queued.stamp < change.stamp) this.outbox.set(id, change);
  }

  /** The bytes that leave: the same ones again until there is an answer (CLIENT-2). */
  #changes(): readonly WriteChange[] {
    if (this.#inFlight === null) {
      this.#inFlight = [...this.outbox.values()];
      this.outbox.clear();
    }
    return this.#inFlight;
  }

  /** The request reaches the server; its answer is lost. */
  syncInVain(space: ModelSpace, { now, lostBytesMax }: ModelSync): void {
    const changes = this.#changes();
    if (changes.length > 0) space.push(changes, { now, lostBytesMax, checksClocks: true });
  }

  sync(space: ModelSpace, { now, limit, bytesMax, lostBytesMax, between }: ModelSync): void {
    const changes = this.#changes();
    const push =
      changes.length === 0 ? null : space.push(changes, { now, lostBytesMax, checksClocks: true });
    between();
    const results = push?.results ?? [];
    const told = new Set(
      results.flatMap((result) => (result.kind === "applied" ? [result.seq] : [])),
    );
    const { cursor, ack, collections } = this;
    const page = space.pull({
      cursor,
      ack,
      collections,
      limit,
      bytesMax,
      told,
      tombstones: this.#isOfferRun,
    });
    this.#inFlight = null;
    this.#begin(page);
    for (const [index, change] of changes.entries()) this.#settle(change, results[index]);
    for (const record of push?.lostTo ?? []) this.#apply(record);
    for (const record of page.records) this.#apply(record);
    this.ack = push?.ack ?? this.ack;
    this.cursor = page.cursor;
    this.digests = page.digests;
    if (!page.more) this.#end();
  }

  #begin(page: ModelPage): void {
    if (page.reset === null && this.cursor !== null) return;
    this.generation += 1;
    this.isInRun = true;
    if (page.reset === null) return;
    this.resets.push(page.reset);
    this.ack = null;
    // A drop within an offer run starts it over as an offer run.
    this.#isOfferRun ||= page.reset === "offer";
  }

  #settle(change: WriteChange, result: ChangeResult | undefined): void {
    if (result === undefined) {
      // Beyond the prefix: not judged, so sent again.
      this.#queue(change);
    } else if (result.kind === "applied" && result.seq > 0) {
      const { collection, key, stamp, value, fieldState, author } = change;
      this.#apply({ collection, key, stamp, value, fieldState, author, seq: result.seq });
    }
  }

  #apply(record: StoredRecord): void {
    const id = recordId(record.collection, record.key);
    const held = this.held.get(id);
    if (record.seq <= (this.current(id)?.seq ?? 0)) return;
    const isOlderMark = held !== undefined && held.mark !== this.generation;
    if (this.#isOfferRun && isOlderMark && held.record.stamp > record.stamp)
      this.#offer(held.record);
    this.held.set(id, { record, mark: this.generation });
  }

  #offer(record: StoredRecord): void {
    const { seq: _, ...version } = record;
    this.#queue({ kind: "write", ...version, base: null });
  }

  #end(): void {
    for (const [id, { record, mark }] of this.held) {
      if (mark === this.generation) continue;
      if (this.#isOfferRun) this.#offer(record);
      this.held.delete(id);
    }
    this.#isOfferRun = false;
    this.isInRun = false;
  }
}
