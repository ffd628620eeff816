import { createHash } from "node:crypto";
import {
  addMicros,
  type ChangeResult,
  type CollectionName,
  type Epoch,
  lastWrite,
  newSpaceState,
  planPush,
  type PushChange,
  recordId,
  type SpaceState,
  type Stamp,
  type StoredRecord,
  type WriteChange,
} from "@synchro/core";

/** What a model server is at one moment: a backup of it. */
export type ServerImage = {
  readonly state: SpaceState;
  readonly records: ReadonlyMap<string, StoredRecord>;
};

export type PushAnswer = {
  readonly results: readonly ChangeResult[];
  readonly lostTo: readonly StoredRecord[];
};

const NOWHERE = "0000000000000000aaaa" as Epoch;

/** A server of one space, by core's own planner, whose clock the test sets. */
export class ModelServer {
  image: ServerImage = { state: newSpaceState(NOWHERE), records: new Map() };
  now: Stamp = "2026-11-24T12:00:00.000000Z" as Stamp;
  /** Values that are refused, as by a schema. */
  isRefused: (change: WriteChange) => boolean = () => false;

  tick(seconds: number): void {
    this.now = addMicros(this.now, seconds * 1_000_000);
  }

  /** Judges the changes in their order; of the answer the first `answered` results are told, the rest is not judged. */
  push(changes: readonly WriteChange[], answered = changes.length): PushAnswer {
    const judged = changes.slice(0, answered).map((change): PushChange => {
      if (!this.isRefused(change)) return change;
      const rejection = { code: "schema_mismatch", message: "no", path: "/value" } as const;
      return { kind: "refused", rejection, body: null };
    });
    const { state, records } = this.image;
    const plan = planPush({
      state,
      epoch: NOWHERE,
      changes: judged,
      stored: (collection, key) => records.get(recordId(collection, key)) ?? null,
      policyOf: () => lastWrite,
      now: this.now,
      checksClocks: true,
      lostBytesMax: Number.POSITIVE_INFINITY,
      bytesOf: () => 1,
      rejectedBytesMax: 0,
      sha256: (text) => createHash("sha256").update(text).digest(),
    });
    const after = new Map(records);
    for (const { after: record } of plan.writes) {
      after.set(recordId(record.collection, record.key), record);
    }
    this.image = { state: plan.state, records: after };
    return { results: plan.results, lostTo: plan.lostTo };
  }

  /** Another device writes. */
  write(collection: CollectionName, key: string, value: string | null, stamp = this.now): void {
    const author = null;
    this.push([
      { kind: "write", collection, key, value, stamp, base: null, author, fieldState: null },
    ]);
  }
}
