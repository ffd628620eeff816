import {
  addMicros,
  type CollectionName,
  type Digest,
  EMPTY_DIGEST,
  formatSum,
  laterStamp,
  parseStamp,
  type Reset,
  type Runtime,
  recordSum,
  type Seq,
  type Stamp,
  stampToMillis,
} from "@synchro/core";
import type { WireChangeResult, WireDigest, WireRecord } from "@synchro/protocol";
import {
  type ClientState,
  heldId,
  type HeldRecord,
  heldSeq,
  type OutboxEntry,
} from "./client-state.ts";
import { addOffer, settle } from "./outbox.ts";

/** Whatever form an answer came in. A push's has no `cursor`, a pull's no `results`. */
export type AnyAnswer = {
  readonly cursor?: string | null;
  readonly ack?: string;
  readonly more?: boolean;
  readonly reset?: Reset;
  readonly now?: string;
  readonly results?: readonly WireChangeResult[];
  readonly changes: readonly WireRecord[];
  readonly digest?: WireDigest;
};

export type AnswerContext = {
  readonly runtime: Runtime;
  /** The generation under which the request was sent. */
  readonly sentUnder: number;
  /** Whether the request asked for a page with a null cursor. */
  readonly beginsRun: boolean;
  /** The entries that the request's changes were made of; empty for a pull. */
  readonly sent: readonly OutboxEntry[];
  /** False for long polls and streams, which say nothing of the clock (CLIENT-26). */
  readonly measuresClock: boolean;
};

const stampOf = (text: string): Stamp => {
  const stamp = parseStamp(text);
  if (stamp === null) throw new Error(`the server sent no stamp: ${text}`);
  return stamp;
};

const heldOf = (record: WireRecord, mark: number): HeldRecord => ({
  collection: record.collection,
  key: record.key,
  seq: record.seq,
  stamp: stampOf(record.updated_at),
  value: "value" in record ? JSON.stringify(record.value) : null,
  author: record.author ?? record.author_unverified ?? null,
  mark,
});

/** A version arrives, or is confirmed: it is taken by its seq (CLIENT-13), and in an offer run what it would bury is offered. */
const take = (state: ClientState, version: HeldRecord): ClientState => {
  const { collection, key } = version;
  if (version.seq <= heldSeq(state, collection, key)) return state;
  const id = heldId(collection, key);
  const before = state.held.get(id);
  const isBuried =
    state.run === "offer" &&
    before !== undefined &&
    before.mark !== state.generation &&
    before.stamp > version.stamp;
  const offered = isBuried ? addOffer(state, before) : state;
  return { ...offered, held: new Map(offered.held).set(id, version) };
};

/**
 * What the server confirms of the client's own. In one life of a server a greater stamp has a greater
 * seq; where it has not, the seq held is of a life that a restore has ended, and to throw the
 * confirmed version away would leave this device without what it has just been promised.
 */
const confirm = (state: ClientState, version: HeldRecord): ClientState => {
  const id = heldId(version.collection, version.key);
  const held = state.held.get(id);
  const isOfOtherLife = held !== undefined && version.seq <= held.seq && version.stamp > held.stamp;
  if (!isOfOtherLife) return take(state, version);
  return { ...state, held: new Map(state.held).set(id, version) };
};

const restamp = (
  state: ClientState,
  entry: OutboxEntry,
  now: Stamp,
  stored: string | null,
): ClientState => {
  if (entry.kind === "offer" && stored !== null) {
    return settle(state, entry, { kind: "rejected", code: "stamp_ahead" }, null);
  }
  const stamp = stored === null ? now : laterStamp(now, addMicros(stampOf(stored), 1));
  const restampedFrom = entry.restampedFrom ?? entry.stamp;
  const outbox = state.outbox.map((other) =>
    other.id === entry.id ? { ...other, stamp, restampedFrom } : other,
  );
  return { ...state, outbox };
};

const applyResult = (
  state: ClientState,
  entry: OutboxEntry,
  result: WireChangeResult,
  now: Stamp,
): ClientState => {
  const { collection, key, value, author, stamp } = entry;
  if (stamp === null) throw new Error("an entry was answered that was never sent");
  const mark = state.generation;
  if ("seq" in result) {
    const { seq } = result;
    const settled = settle(
      state,
      entry,
      { kind: "applied", seq },
      { kind: "version", seq, stamp, mark },
    );
    // Seq 0 claims no version (CLIENT-9).
    return seq === 0
      ? settled
      : confirm(settled, { collection, key, seq, stamp, value, author, mark });
  }
  if ("superseded" in result) {
    const fate = { kind: "superseded", seq: result.superseded } as const;
    return settle(state, entry, fate, { kind: "version", seq: 0, stamp, mark });
  }
  if ("merged" in result) throw new Error("the naive client knows of no merges");
  const { code, stored } = result.rejected;
  if (code === "stamp_ahead") return restamp(state, entry, now, stored ?? null);
  if (code === "stale" && entry.kind === "offer") {
    const dropped = settle(state, entry, { kind: "stale_offer" }, null);
    return { ...dropped, staleOffers: dropped.staleOffers + 1 };
  }
  return settle(state, entry, { kind: "rejected", code }, entry.replaces);
};

/** What the run did not bring goes; in an offer run it is offered first (CLIENT-18, CLIENT-22). */
const sweep = (state: ClientState): ClientState => {
  if (state.run === null) return state;
  let swept = state;
  const held = new Map(state.held);
  for (const [id, record] of state.held) {
    if (record.mark === state.generation) continue;
    if (state.run === "offer") swept = addOffer(swept, record);
    held.delete(id);
  }
  return { ...swept, held, run: null };
};

/**
 * Begins to read from the beginning, under a generation of its own (CLIENT-17). Not when a null
 * cursor is sent but when the first page is there: what was confirmed in between may have been
 * deleted before that page's snapshot, and a run sends no tombstone from before its start.
 */
const beginGeneration = (state: ClientState, run: "beginning" | "offer"): ClientState => ({
  ...state,
  generation: state.generation + 1,
  run,
});

const beginIfDue = (state: ClientState, answer: AnyAnswer, context: AnswerContext): ClientState => {
  if (answer.reset === undefined) {
    return context.beginsRun ? beginGeneration(state, state.run ?? "beginning") : state;
  }
  // A "drop" within an offer run starts it over as an offer run (CLIENT-21).
  const isOffer = answer.reset === "offer" || state.run === "offer";
  return { ...beginGeneration(state, isOffer ? "offer" : "beginning"), ack: null };
};

const digestHeld = (state: ClientState, collection: string, sha256: Runtime["sha256"]): Digest => {
  let { count, sum } = EMPTY_DIGEST;
  for (const record of state.held.values()) {
    if (record.collection !== collection || record.value === null) continue;
    count += 1;
    const { key, seq } = record;
    sum += recordSum(sha256, { collection: record.collection as CollectionName, key, seq });
  }
  return { count, sum: BigInt.asUintN(64, sum) };
};

const holdsAbove = (state: ClientState, collection: string, at: Seq): boolean =>
  [...state.held.values()].some((record) => record.collection === collection && record.seq > at);

/** Names of the collections that differ from the server's digest; null if there was nothing to compare (CLIENT-24). */
const compareDigest = (
  state: ClientState,
  digest: WireDigest | undefined,
  sha256: Runtime["sha256"],
): readonly string[] | null => {
  if (digest === undefined) return null;
  const compared = Object.entries(digest.collections).filter(
    ([collection]) => !holdsAbove(state, collection, digest.at),
  );
  if (compared.length === 0) return null;
  return compared.flatMap(([collection, { count, sum }]) => {
    const held = digestHeld(state, collection, sha256);
    return held.count === count && formatSum(held.sum) === sum ? [] : [collection];
  });
};

export type Applied = {
  readonly state: ClientState;
  /** `ignored`: the request was of an older generation, and this is no answer (CLIENT-20). */
  readonly kind: "applied" | "ignored";
  /** The one that the answer belongs to, and whatever follows it on the same stream. */
  readonly generation: number;
  readonly differs: readonly string[] | null;
  /** Whether more is held than the answer's snapshot had: what is held may come from a life of the server that is no more. */
  readonly isAhead: boolean;
};

const applyPush = (state: ClientState, answer: AnyAnswer, context: AnswerContext): ClientState => {
  const now = answer.now === undefined ? context.runtime.now() : stampOf(answer.now);
  let next = state;
  for (const [index, result] of (answer.results ?? []).entries()) {
    const entry = context.sent[index];
    if (entry === undefined) throw new Error("more results than changes");
    next = applyResult(next, entry, result, now);
  }
  return context.sent.length > 0 ? { ...next, batch: null } : next;
};

const measureClock = (
  state: ClientState,
  answer: AnyAnswer,
  context: AnswerContext,
): ClientState => {
  if (answer.now === undefined || !context.measuresClock) return state;
  const clockOffsetMs = stampToMillis(stampOf(answer.now)) - stampToMillis(context.runtime.now());
  return { ...state, clockOffsetMs };
};

/** Applies an answer whole: results, records and cursor are one transaction (CLIENT-12). */
export const applyAnswer = (
  state: ClientState,
  answer: AnyAnswer,
  context: AnswerContext,
): Applied => {
  if (context.sentUnder !== state.generation)
    return { state, kind: "ignored", generation: state.generation, differs: null, isAhead: false };
  let next = measureClock(state, answer, context);
  next = beginIfDue(next, answer, context);
  next = applyPush(next, answer, context);
  if (answer.ack !== undefined) next = { ...next, ack: answer.ack };
  for (const record of answer.changes) next = take(next, heldOf(record, next.generation));
  if (answer.cursor !== undefined) next = { ...next, cursor: answer.cursor };
  if (answer.more === false) next = sweep(next);
  const { generation } = next;
  const { digest } = answer;
  const isAhead =
    digest !== undefined &&
    Object.keys(digest.collections).some((name) => holdsAbove(next, name, digest.at));
  const differs = compareDigest(next, digest, context.runtime.sha256);
  if (differs !== null && differs.length > 0) {
    // Once; after that it is reported and left for a day (CLIENT-25), longer than any simulation.
    next = next.isSuspect
      ? { ...next, divergences: next.divergences + 1 }
      : { ...beginGeneration(next, "offer"), cursor: null, isSuspect: true };
  } else if (differs !== null) next = { ...next, isSuspect: false, comparedAt: next.cursor };
  return { state: next, kind: "applied", generation, differs, isAhead };
};
