import { type CollectionName, collectionSet } from "../src/collection-name.ts";
import {
  type CursorPosition,
  decodeAck,
  decodeCursor,
  encodeAck,
  encodeCursor,
} from "../src/cursor.ts";
import { type Digest, EMPTY_DIGEST, recordSum } from "../src/digest.ts";
import { type Epoch, lifeOfSpace, listEpoch } from "../src/epoch.ts";
import { lastWrite } from "../src/merge/last-write.ts";
import { endOfPage, planPull, type Reset } from "../src/pull/plan-pull.ts";
import { takePage } from "../src/pull/take-page.ts";
import { type PushPlan, planPush } from "../src/push/plan-push.ts";
import type { PushChange } from "../src/push/push-change.ts";
import { recordId, type Seq, type StoredRecord } from "../src/record.ts";
import { newSpaceState, type SpaceState } from "../src/space-state.ts";
import { laterStamp, type Stamp } from "../src/stamp.ts";
import { epochOf } from "./samples.ts";
import { sha256 } from "./sha256.ts";

/** What a space is made of, as a value: to be saved and put back. */
export type SpaceImage = {
  readonly state: SpaceState | null;
  readonly records: ReadonlyMap<
    string,
    { readonly record: StoredRecord; readonly committedAt: Stamp }
  >;
};

export type ModelPull = {
  readonly cursor: string | null;
  readonly ack: string | null;
  readonly collections: readonly CollectionName[] | null;
  readonly tombstones: boolean;
  readonly limit: number;
  readonly bytesMax: number;
  readonly told: ReadonlySet<Seq>;
};

export type ModelPage = {
  readonly reset: Reset | null;
  readonly records: readonly StoredRecord[];
  readonly more: boolean;
  readonly cursor: string | null;
  /** Only where `more` is false. */
  readonly digests: ReadonlyMap<CollectionName, Digest> | null;
};

/** By the rule's own words: every live record of a collection, summed anew. */
export const countedDigest = (
  records: Iterable<StoredRecord>,
  collection: CollectionName,
): Digest => {
  let { count, sum } = EMPTY_DIGEST;
  for (const record of records) {
    if (record.collection !== collection || record.value === null) continue;
    count += 1;
    sum = (sum + recordSum(sha256, record)) % 2n ** 64n;
  }
  return { count, sum };
};

/**
 * A server in the smallest form that has every decision of core's in it: one space over a plain
 * Map, no transport, no disk. It may be opened again, purged, and put back to an earlier moment.
 */
export class ModelSpace {
  image: SpaceImage = { state: null, records: new Map() };
  readonly declared: readonly CollectionName[];
  #openings = 0;

  constructor(declared: readonly CollectionName[]) {
    this.declared = collectionSet(declared);
  }

  get epoch(): Epoch {
    return epochOf(`e${this.#openings}`.padStart(20, "0"));
  }

  records(): readonly StoredRecord[] {
    return [...this.image.records.values()].map(({ record }) => record);
  }

  push(
    changes: readonly PushChange[],
    options: { readonly now: Stamp; readonly checksClocks: boolean; readonly lostBytesMax: number },
  ): PushPlan & { readonly ack: string } {
    const state = this.image.state ?? newSpaceState(this.epoch);
    const plan = planPush({
      ...options,
      state,
      changes,
      epoch: this.epoch,
      stored: (collection, key) =>
        this.image.records.get(recordId(collection, key))?.record ?? null,
      policyOf: () => lastWrite,
      rejectedBytesMax: Number.POSITIVE_INFINITY,
      bytesOf: (record) => record.value?.length ?? 0,
      sha256,
    });
    const records = new Map(this.image.records);
    for (const { after } of plan.writes) {
      records.set(recordId(after.collection, after.key), {
        record: after,
        committedAt: options.now,
      });
    }
    this.image = { state: plan.state, records };
    const last = plan.state.epochs.at(-1)?.epoch ?? this.epoch;
    return { ...plan, ack: encodeAck({ epoch: last, seq: plan.state.head }) };
  }

  pull(request: ModelPull): ModelPage {
    const { state } = this.image;
    const { collections } = request;
    const plan = planPull(state, {
      cursor: request.cursor === null ? null : decodeCursor(request.cursor),
      ack: request.ack === null ? null : decodeAck(request.ack),
      collections,
      tombstones: request.tombstones,
    });
    const names = collections ?? this.declared;
    const rows = this.records()
      .filter((record) => names.includes(record.collection) && record.seq > plan.after)
      .filter((record) => record.value !== null || record.seq > plan.tombstonesAfter)
      .toSorted((a, b) => a.seq - b.seq);
    const page = takePage(plan.after, rows, {
      recordsMax: request.limit,
      bytesMax: request.bytesMax,
      bytesOf: (record) => record.value?.length ?? 0,
      told: request.told,
    });
    const position: CursorPosition | null = endOfPage(state, plan, collections, page);
    return {
      reset: plan.reset,
      records: page.records,
      more: page.more,
      cursor: position === null ? null : encodeCursor(position),
      digests: page.more
        ? null
        : new Map(names.map((name) => [name, state?.digests.get(name) ?? EMPTY_DIGEST])),
    };
  }

  /** Keeps PURGE-2 to PURGE-4. */
  purge(cutoff: Stamp): void {
    const { state } = this.image;
    const gone = [...this.image.records].filter(
      ([, { record, committedAt }]) =>
        record.value === null && record.stamp < cutoff && committedAt < cutoff,
    );
    if (state === null || gone.length === 0) return;
    const records = new Map(this.image.records);
    for (const [id] of gone) records.delete(id);
    const floor = Math.max(state.floor, ...gone.map(([, { record }]) => record.seq));
    const times = gone.map(([, { record, committedAt }]) => laterStamp(record.stamp, committedAt));
    const latest = times.reduce(laterStamp);
    const raised = laterStamp(state.cutoff ?? latest, latest);
    this.image = { state: { ...state, floor, cutoff: raised }, records };
  }

  /** A restart: a new epoch, listed at the next write. */
  reopen(): void {
    this.#openings += 1;
  }

  /** Older data takes the place of newer: a new epoch, listed at once. Final: what came after it is given up. */
  restore(image: SpaceImage, isFinal = false): void {
    this.reopen();
    const { state } = image;
    if (state === null) this.image = image;
    else {
      const lives = [state, this.image.state].map((each) => lifeOfSpace(each?.epochs ?? []));
      const life = Math.max(...lives) + (isFinal ? 1 : 0);
      const epochs = listEpoch(state.epochs, this.epoch, state.head, life);
      this.image = { ...image, state: { ...state, epochs } };
    }
  }
}
