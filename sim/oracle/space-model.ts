import {
  addMicros,
  type ChangeResult,
  type EpochEntry,
  type EpochPosition,
  isSameValue,
  type PushChange,
  recordId,
  type Seq,
  type Stamp,
} from "@synchro/core";
import type { PushOutcome, StorePush } from "../../packages/server/src/store/store.ts";

export type ModelRecord = {
  readonly collection: string;
  readonly key: string;
  readonly seq: Seq;
  readonly stamp: Stamp;
  readonly value: string | null;
  /** When it was committed, by the server's clock and in virtual time. */
  readonly committedAt: Stamp;
  readonly committedMs: number;
};

/** What a space must hold: the rules of the specification, written a second time, with no code of the server. */
export type SpaceModel = {
  head: Seq;
  floor: Seq;
  cutoff: Stamp | null;
  readonly records: Map<string, ModelRecord>;
  /** As last read from the store. */
  epochs: readonly EpochEntry[];
  /** Whether the present opening of the store has changed a record. */
  hasWritten: boolean;
};

export const newSpaceModel = (): SpaceModel => ({
  head: 0,
  floor: 0,
  cutoff: null,
  records: new Map(),
  epochs: [],
  hasWritten: false,
});

export const copyModel = (model: SpaceModel): SpaceModel => ({
  ...model,
  records: new Map(model.records),
});

/** EPOCH-3. A run's start, and the snapshot that a page was read from, are part of what its cursor has seen. */
export const isValidIn = (
  model: SpaceModel,
  position: EpochPosition & { readonly start?: Seq | null; readonly head?: Seq },
): boolean => {
  const seen = Math.max(position.seq, position.start ?? 0, position.head ?? 0);
  const index = model.epochs.findIndex(({ epoch }) => epoch === position.epoch);
  if (index === -1) return false;
  const next = model.epochs[index + 1];
  return seen <= (next === undefined ? model.head : next.fromSeq);
};

type Version = Pick<ModelRecord, "collection" | "key" | "stamp" | "value">;

/** What a push should have come to. */
export type Expectation = {
  /** As text, to be compared and shown. */
  readonly results: readonly string[];
  readonly written: readonly ModelRecord[];
  /** Versions that must be kept as evidence. */
  readonly evidence: readonly Version[];
};

const FIVE_MINUTES = 300_000_000;
const ONE_SECOND = 1_000_000;

type Judging = {
  readonly model: SpaceModel;
  readonly now: Stamp;
  readonly nowMs: number;
  readonly written: ModelRecord[];
  readonly evidence: Version[];
};

const judge = (judging: Judging, change: PushChange): string => {
  const { model, now, nowMs, written, evidence } = judging;
  if (change.kind === "refused") return `rejected ${change.rejection.code}`;
  if (change.kind === "assign") throw new Error("nobody speaks /v1 here");
  const { collection, key, stamp, value, base } = change;
  const id = recordId(collection, key);
  const before = model.records.get(id);
  if (before === undefined && model.cutoff !== null && stamp <= model.cutoff) {
    return value === null ? "seq 0" : "rejected stale";
  }
  const isAhead = stamp > addMicros(now, FIVE_MINUTES);
  const isStep = before !== undefined && stamp <= addMicros(before.stamp, ONE_SECOND);
  if (isAhead && !isStep) return "rejected stamp_ahead";
  if (before !== undefined && before.stamp === stamp && isSameValue(before.value, value)) {
    return `seq ${before.seq}`;
  }
  if (before !== undefined && before.stamp >= stamp) {
    evidence.push({ collection, key, stamp, value });
    return `superseded ${before.seq}`;
  }
  if (before !== undefined && before.value !== null && base !== before.seq) evidence.push(before);
  model.head += 1;
  const { head: seq } = model;
  const after = { collection, key, seq, stamp, value, committedAt: now, committedMs: nowMs };
  model.records.set(id, after);
  written.push(after);
  return `seq ${seq}`;
};

/** Judges as many of the changes as were answered, and keeps the model in step. */
export const expectPush = (
  model: SpaceModel,
  request: StorePush,
  answered: number,
  nowMs: number,
): Expectation => {
  const judging: Judging = { model, now: request.now, nowMs, written: [], evidence: [] };
  const results = request.changes.slice(0, answered).map((change) => judge(judging, change));
  return { results, written: judging.written, evidence: judging.evidence };
};

export const resultText = (result: ChangeResult): string => {
  switch (result.kind) {
    case "applied":
      return `seq ${result.seq}`;
    case "superseded":
      return `superseded ${result.seq}`;
    case "rejected":
      return `rejected ${result.rejection.code}`;
  }
};

/** Seqs of records that beat a change and did not come with the answer (PUSH-3). */
export const missingLostTo = (
  outcome: Extract<PushOutcome, { kind: "committed" }>,
): readonly Seq[] => {
  const given = new Set(outcome.lostTo.map(({ seq }) => seq));
  return outcome.results.flatMap((result) =>
    result.kind === "superseded" && !given.has(result.seq) ? [result.seq] : [],
  );
};

/** Takes the tombstones that a purge must take, and says which. Spec: PURGE-2 to PURGE-4. */
export const expectPurge = (
  model: SpaceModel,
  cutoff: Stamp,
  isDeclared: (collection: string) => boolean,
): readonly ModelRecord[] => {
  const purged = [...model.records.values()].filter(
    ({ collection, value, stamp, committedAt }) =>
      value === null && isDeclared(collection) && stamp < cutoff && committedAt < cutoff,
  );
  if (purged.length === 0) return purged;
  for (const { collection, key } of purged)
    model.records.delete(recordId(collection as never, key));
  model.floor = Math.max(model.floor, ...purged.map(({ seq }) => seq));
  for (const time of purged.flatMap(({ stamp, committedAt }) => [stamp, committedAt])) {
    if (model.cutoff === null || model.cutoff < time) model.cutoff = time;
  }
  return purged;
};
