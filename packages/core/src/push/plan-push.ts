import type { CollectionName } from "../collection-name.ts";
import { digestOf, type SpaceState } from "../space-state.ts";
import { replaceInDigest } from "../digest.ts";
import { type Epoch, type EpochPosition, isPositionValid, listEpoch } from "../epoch.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import type { Merge, MergePolicy, VersionContent } from "../merge/merge-policy.ts";
import { recordId, type Seq, type StoredRecord } from "../record.ts";
import type { Runtime } from "../runtime.ts";
import { addMicros, formatStamp, type Stamp } from "../stamp.ts";
import type {
  AssignChange,
  ChangeResult,
  Evidence,
  PushChange,
  RefusedEvidence,
  WriteChange,
} from "./push-change.ts";
import { keptRefusal } from "./kept-refusal.ts";
import { staleRejection, stampAheadRejection } from "./clock-rejection.ts";
import type { Rejection } from "./rejection.ts";

/** How far ahead of the server's clock a stamp may be, in microseconds. */
export const STAMP_AHEAD_MICROS_MAX = 5 * 60 * 1_000_000;
/** How far ahead of the stored stamp it may be in any case, in microseconds. */
export const STAMP_STEP_MICROS_MAX = 1_000_000;

export type PushPlanInput = {
  readonly state: SpaceState;
  /** The epoch of the present opening of the store. */
  readonly epoch: Epoch;
  readonly changes: readonly PushChange[];
  /** The stored version of a record, tombstones included, or null; read under the space's lock. */
  readonly stored: (collection: CollectionName, key: string) => StoredRecord | null;
  readonly policyOf: (collection: CollectionName) => MergePolicy;
  readonly now: Stamp;
  /**
   * Up to where the asker has seen this data, as its cursor and its ack say: a `base` beyond them, or
   * beyond those that are not valid here, may be a seq of another life of this data. Undefined: any
   * base is believed. Spec: FIELDS-20.
   */
  readonly positions?: readonly EpochPosition[] | undefined;
  /** False for `/v1`, which keeps stamps as sent and knows no `stale`. */
  readonly checksClocks: boolean;
  /** Past this many bytes of records in `lostTo` the rest of the changes is left unjudged; records that beat an `assign` don't count. */
  readonly lostBytesMax: number;
  readonly bytesOf: (record: StoredRecord) => number;
  /** A refused change of more bytes is kept without its text. */
  readonly rejectedBytesMax: number;
  readonly sha256: Runtime["sha256"];
};

export type RecordWrite = { readonly before: StoredRecord | null; readonly after: StoredRecord };

export type PushPlan = {
  /** One a change, in order; a prefix of the changes where `lostBytesMax` was met, at least one. */
  readonly results: readonly ChangeResult[];
  /** The records that beat a change or merged it, each once, as they stand after this push. */
  readonly lostTo: readonly StoredRecord[];
  /** One a record that really changed, by ascending seq. */
  readonly writes: readonly RecordWrite[];
  readonly evidence: readonly Evidence[];
  readonly refused: readonly RefusedEvidence[];
  readonly state: SpaceState;
};

/** A record while a request is judged; `seq` is the one that its new version takes, null while it has none. */
type Working = {
  readonly before: StoredRecord | null;
  current: StoredRecord | null;
  seq: Seq | null;
};

type Draft = {
  readonly input: PushPlanInput;
  readonly records: Map<string, Working>;
  readonly written: Working[];
  readonly lostTo: Set<Working>;
  readonly results: ChangeResult[];
  readonly evidence: Evidence[];
  readonly refused: RefusedEvidence[];
  readonly stampMax: Stamp;
  head: Seq;
  lostBytes: number;
};

const workingRecord = (draft: Draft, collection: CollectionName, key: string): Working => {
  const id = recordId(collection, key);
  const known = draft.records.get(id);
  if (known !== undefined) return known;
  const before = draft.input.stored(collection, key);
  const working: Working = { before, current: before, seq: null };
  draft.records.set(id, working);
  return working;
};

const assignedVersion = (current: StoredRecord | null, change: AssignChange): VersionContent => {
  const kept = current?.value == null ? {} : (JSON.parse(current.value) as JsonObject);
  const value = JSON.stringify({ ...kept, ...change.members });
  return { stamp: change.stamp, value, fieldState: null };
};

const evidenceOf = (
  reason: Evidence["reason"],
  version: Pick<StoredRecord, "collection" | "key" | "stamp" | "value" | "author">,
): Evidence => ({
  reason,
  collection: version.collection,
  key: version.key,
  stamp: version.stamp,
  value: version.value,
  author: version.author,
});

const changeText = (change: WriteChange): string => {
  const { collection, key, stamp, base, author, value, fieldState } = change;
  const head = { collection, key, updated_at: formatStamp(stamp), base, author: author?.name };
  const fields = fieldState === null ? {} : (JSON.parse(`{${fieldState}}`) as JsonObject);
  return JSON.stringify(
    value === null
      ? { ...head, ...fields, deleted: true }
      : { ...head, ...fields, value: JSON.parse(value) as JsonValue },
  );
};

const refuse = (draft: Draft, change: WriteChange, rejection: Rejection): void => {
  draft.results.push({ kind: "rejected", rejection });
  // `stamp_ahead` comes back restamped: it is a question of clocks, not a change given up.
  if (rejection.code === "stamp_ahead") return;
  draft.refused.push(keptRefusal(rejection, changeText(change), draft.input));
};

/** True if the change was answered here: it is stale, ahead of time, or a delete of what a purge has taken. */
const isSettledByClock = (
  draft: Draft,
  change: WriteChange,
  current: StoredRecord | null,
): boolean => {
  const { state, now } = draft.input;
  if (current === null && state.cutoff !== null && change.stamp <= state.cutoff) {
    // Seq 0 settles the client's outbox entry and claims no version: there is none.
    if (change.value === null) draft.results.push({ kind: "applied", seq: 0 });
    else refuse(draft, change, staleRejection(state.cutoff));
    return true;
  }
  if (change.stamp <= draft.stampMax) return false;
  if (current !== null && change.stamp <= addMicros(current.stamp, STAMP_STEP_MICROS_MAX)) {
    return false;
  }
  refuse(draft, change, stampAheadRejection(change, now, current?.stamp ?? null));
  return true;
};

/** Whether a change was made over exactly this version; null: over none. */
const isBasedOn = (change: WriteChange | AssignChange, current: StoredRecord | null): boolean =>
  change.kind === "write" && change.base === (current?.seq ?? null);

/** Whether the version that `base` names is one of this very data. */
const isBaseSeen = ({ input }: Draft, { base }: WriteChange): boolean => {
  const { positions, state } = input;
  if (base === null || positions === undefined) return true;
  return positions.some(
    (position) => position.seq >= base && isPositionValid(state.epochs, state.head, position),
  );
};

/** What gives way is kept, unless whoever made the change had seen it. */
const keepOverwritten = (
  draft: Draft,
  change: WriteChange | AssignChange,
  current: StoredRecord | null,
): void => {
  if (current === null || current.value === null || isBasedOn(change, current)) return;
  draft.evidence.push(evidenceOf("overwritten", current));
};

const write = (
  draft: Draft,
  working: Working,
  { collection, key, author }: WriteChange | AssignChange,
  { stamp, value, fieldState }: VersionContent,
): Seq => {
  // A record that one request writes twice (`/v1` only) changes once and takes one seq.
  if (working.seq === null) {
    draft.head += 1;
    working.seq = draft.head;
    draft.written.push(working);
  }
  working.current = { collection, key, seq: working.seq, stamp, value, fieldState, author };
  return working.seq;
};

/** Takes a record into the answer beside the results; false if there is no room, and the rest must wait. */
const tell = (draft: Draft, working: Working, bytes: number): boolean => {
  const added = draft.lostTo.has(working) ? 0 : bytes;
  if (draft.results.length > 0 && draft.lostBytes + added > draft.input.lostBytesMax) return false;
  draft.lostBytes += added;
  draft.lostTo.add(working);
  return true;
};

/** Answers a change that became one with the stored version, as `judge` does. */
const merge = (
  draft: Draft,
  working: Working,
  change: WriteChange,
  { version, outcome, overwrites, loses }: Merge,
): boolean => {
  const { current } = working;
  const isOverBase = isBasedOn(change, current) && isBaseSeen(draft, change);
  const isApplied = version !== null && outcome === "whole" && isOverBase;
  if (!isApplied && !tell(draft, working, draft.input.bytesOf({ ...change, ...version, seq: 0 }))) {
    return false;
  }
  if (loses) draft.evidence.push(evidenceOf("superseded", change));
  if (version !== null) {
    if (overwrites) keepOverwritten(draft, change, current);
    // What lost may still raise the record's stamp; the record is its author's as before.
    const author = outcome === "lost" && current !== null ? current.author : change.author;
    write(draft, working, { ...change, author }, version);
  }
  const seq = working.current?.seq ?? 0;
  const kind = isApplied ? "applied" : outcome === "lost" ? "superseded" : "merged";
  draft.results.push({ kind, seq });
  return true;
};

/** Answers one change; false if its answer would pass the byte limit and must wait for another request. */
const judge = (draft: Draft, change: PushChange): boolean => {
  if (change.kind === "refused") {
    draft.results.push({ kind: "rejected", rejection: change.rejection });
    const { kind: _, ...refused } = change;
    draft.refused.push(refused);
    return true;
  }
  const working = workingRecord(draft, change.collection, change.key);
  const { current } = working;
  if (
    change.kind === "write" &&
    draft.input.checksClocks &&
    isSettledByClock(draft, change, current)
  ) {
    return true;
  }
  const proposed = change.kind === "write" ? change : assignedVersion(current, change);
  const verdict = draft.input.policyOf(change.collection).judge(current, proposed);
  if (typeof verdict === "object") {
    if (change.kind === "assign") {
      throw new Error(`${change.collection} is not of last-write: nothing can be assigned to it`);
    }
    if (verdict.kind === "merge") return merge(draft, working, change, verdict);
    refuse(draft, change, verdict.rejection);
    return true;
  }
  if (verdict === "replace" || current === null) {
    keepOverwritten(draft, change, current);
    draft.results.push({ kind: "applied", seq: write(draft, working, change, proposed) });
    return true;
  }
  if (verdict === "same") {
    draft.results.push({ kind: "applied", seq: current.seq });
    return true;
  }
  // `/v1` can't answer for a part of a request, and needs no `lostTo`: it reads all that was sent.
  if (!tell(draft, working, change.kind === "assign" ? 0 : draft.input.bytesOf(current))) {
    return false;
  }
  draft.results.push({ kind: "superseded", seq: current.seq });
  draft.evidence.push(evidenceOf("superseded", { ...change, value: proposed.value }));
  return true;
};

const nextState = (draft: Draft): SpaceState => {
  const { state, epoch, sha256 } = draft.input;
  if (draft.written.length === 0) return state;
  const digests = new Map(state.digests);
  for (const { before, current } of draft.written) {
    if (current === null) continue;
    const digest = digests.get(current.collection) ?? digestOf(state, current.collection);
    digests.set(current.collection, replaceInDigest(sha256, digest, before, current));
  }
  return {
    ...state,
    head: draft.head,
    epochs: listEpoch(state.epochs, epoch, state.head),
    digests,
  };
};

/**
 * Judges the changes of one request, in order, against the records that they name, and says what a
 * store must write in the one transaction of the push. Pure. Each change is judged alone: one may
 * lose or be rejected while its neighbour stands. The head advances by the number of records really
 * changed. Spec: PUSH-*, LWW-*, CLOCK-*, EVID-*.
 */
export const planPush = (input: PushPlanInput): PushPlan => {
  const draft: Draft = {
    input,
    records: new Map(),
    written: [],
    lostTo: new Set(),
    results: [],
    evidence: [],
    refused: [],
    stampMax: addMicros(input.now, STAMP_AHEAD_MICROS_MAX),
    head: input.state.head,
    lostBytes: 0,
  };
  for (const change of input.changes) if (!judge(draft, change)) break;
  return {
    results: draft.results,
    lostTo: [...draft.lostTo].flatMap(({ current }) => (current === null ? [] : [current])),
    writes: draft.written.flatMap(({ before, current }) =>
      current === null ? [] : [{ before, after: current }],
    ),
    evidence: draft.evidence,
    refused: draft.refused,
    state: nextState(draft),
  };
};
