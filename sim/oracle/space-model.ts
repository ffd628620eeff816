import {
  addMicros,
  type ChangeResult,
  type Epoch,
  type EpochEntry,
  type EpochPosition,
  isSameValue,
  laterStamp,
  type PushChange,
  recordId,
  type Seq,
  type Stamp,
} from "@synchro/core";
import { PARTS } from "../client/parts.ts";
import {
  type FieldsContent,
  isIncomplete,
  isSameContent,
  mergeContent,
  readContent,
  valueOf,
} from "./fields-model.ts";
import type { PushOutcome, StorePush } from "../../packages/server/src/store/store.ts";

export type ModelRecord = {
  readonly collection: string;
  readonly key: string;
  readonly seq: Seq;
  readonly stamp: Stamp;
  readonly value: string | null;
  /** Of a collection that merges field by field; null in any other. */
  readonly content: FieldsContent | null;
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
type Written = Version & Pick<ModelRecord, "content">;

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

const write = (
  { model, now, nowMs, written }: Judging,
  version: Written,
  seqBefore: Seq | null,
): Seq => {
  // A record that one `/v1` request writes twice takes one seq (V1-12).
  const again = written.findIndex(({ seq }) => seq === seqBefore);
  if (again === -1) model.head += 1;
  const seq = again === -1 ? model.head : (seqBefore ?? 0);
  const after = { ...version, seq, committedAt: now, committedMs: nowMs };
  model.records.set(recordId(version.collection as never, version.key), after);
  if (again === -1) written.push(after);
  else written[again] = after;
  return seq;
};

/** `/v1`: no clock is checked, nothing is stale, and what the origin does not know stays (V1-13, V1-25). */
const judgeAssign = (
  judging: Judging,
  { collection, key, stamp, members }: Extract<PushChange, { kind: "assign" }>,
): string => {
  const { model, evidence } = judging;
  const before = model.records.get(recordId(collection, key));
  const kept = before?.value == null ? {} : (JSON.parse(before.value) as object);
  const version = { collection, key, stamp, value: JSON.stringify({ ...kept, ...members }) };
  if (before !== undefined && before.stamp >= stamp) {
    if (before.stamp === stamp && isSameValue(before.value, version.value))
      return `seq ${before.seq}`;
    evidence.push(version);
    return `superseded ${before.seq}`;
  }
  if (before !== undefined && before.value !== null) evidence.push(before);
  return `seq ${write(judging, { ...version, content: null }, before?.seq ?? null)}`;
};

/** FIELDS: the version that comes of a change and what is stored, whatever the order in which they came. */
const judgeFields = (
  judging: Judging,
  change: Extract<PushChange, { kind: "write" }>,
  before: ModelRecord | undefined,
): string => {
  const { collection, key, stamp, value, fieldState } = change;
  const stored = before?.content ?? null;
  const sent = readContent(value, fieldState, stamp);
  if (isIncomplete(stored, sent)) return "rejected incomplete";
  const content = mergeContent(stored, sent);
  const latest = before === undefined ? stamp : laterStamp(before.stamp, stamp);
  const isSame = stored !== null && isSameContent(stored, content) && before?.stamp === latest;
  if (isSame) return `fields ${before?.seq}`;
  const version = { collection, key, stamp: latest, value: valueOf(content), content };
  return `fields ${write(judging, version, before?.seq ?? null)}`;
};

const judge = (judging: Judging, change: PushChange): string => {
  const { model, now, evidence } = judging;
  if (change.kind === "refused") return `rejected ${change.rejection.code}`;
  if (change.kind === "assign") return judgeAssign(judging, change);
  const { collection, key, stamp, value, base } = change;
  const id = recordId(collection, key);
  const before = model.records.get(id);
  if (before === undefined && model.cutoff !== null && stamp <= model.cutoff) {
    return value === null ? "seq 0" : "rejected stale";
  }
  const isAhead = stamp > addMicros(now, FIVE_MINUTES);
  const isStep = before !== undefined && stamp <= addMicros(before.stamp, ONE_SECOND);
  if (isAhead && !isStep) return "rejected stamp_ahead";
  if (collection === PARTS) return judgeFields(judging, change, before);
  if (before !== undefined && before.stamp === stamp && isSameValue(before.value, value)) {
    return `seq ${before.seq}`;
  }
  if (before !== undefined && before.stamp >= stamp) {
    evidence.push({ collection, key, stamp, value });
    return `superseded ${before.seq}`;
  }
  if (before !== undefined && before.value !== null && base !== before.seq) evidence.push(before);
  return `seq ${write(judging, { collection, key, stamp, value, content: null }, before?.seq ?? null)}`;
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

/** A merge may be told in three ways (FIELDS-20 to FIELDS-22); what it came to is one. */
export const resultText = (result: ChangeResult, change: PushChange | undefined): string => {
  if (result.kind === "rejected") return `rejected ${result.rejection.code}`;
  const isFields = change?.kind === "write" && change.collection === PARTS && result.seq > 0;
  if (isFields) return `fields ${result.seq}`;
  switch (result.kind) {
    case "applied":
      return `seq ${result.seq}`;
    case "merged":
      return `merged ${result.seq}`;
    case "superseded":
      return `superseded ${result.seq}`;
  }
};

/** Seqs of records that beat a change, or merged it, and did not come with the answer (PUSH-3). */
export const missingLostTo = (
  outcome: Extract<PushOutcome, { kind: "committed" }>,
): readonly Seq[] => {
  const given = new Set(outcome.lostTo.map(({ seq }) => seq));
  return outcome.results.flatMap((result) =>
    (result.kind === "superseded" || result.kind === "merged") && !given.has(result.seq)
      ? [result.seq]
      : [],
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

/** All is gone, at one seq, in another life. Spec: ERASE-1 to ERASE-3. */
export const expectErasure = (model: SpaceModel, now: Stamp, epoch: Epoch): void => {
  const records = [...model.records.values()];
  const times: Stamp[] = [];
  for (const collection of new Set(records.map((record) => record.collection))) {
    const own = records.filter((record) => record.collection === collection);
    const live = own.filter(({ value }) => value !== null).map(({ stamp }) => stamp);
    const last = own.filter(({ value }) => value === null).toSorted((a, b) => b.seq - a.seq)[0];
    times.push(...live, ...(last === undefined ? [] : [last.stamp, last.committedAt]));
  }
  for (const time of times) {
    const bounded = time < now ? time : now;
    if (model.cutoff === null || model.cutoff < bounded) model.cutoff = bounded;
  }
  model.epochs = [...model.epochs, { epoch, fromSeq: model.head }];
  model.head += 1;
  model.floor = model.head;
  model.records.clear();
  model.hasWritten = false;
};
