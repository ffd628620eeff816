import {
  addMicros,
  type Ack,
  type Author,
  type CollectionName,
  type Cursor,
  parseStamp,
  type Reset,
  type Runtime,
  type Seq,
  type Stamp,
  stampToMillis,
} from "@synchro/core";
import type { WireChangeResult, WireDigest, WireRecord } from "@synchro/protocol";
import { offerRecords } from "../outbox/offer.ts";
import { settleBatch, type Settlement } from "../outbox/settle-batch.ts";
import type { StoreTransaction } from "../store/client-store.ts";
import { isNewsTo } from "../store/field-state.ts";
import type { Generation, HeldRecord, RecordName } from "../store/held-record.ts";
import type { StoreMeta } from "../store/store-meta.ts";
import { HeldDigests } from "./held-digests.ts";
import { readResult } from "./read-result.ts";

/** Whatever form an answer came in: a push's has no `cursor`, a pull's no `results`. */
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

/** What the request was. */
export type AnswerContext = {
  /** The generation under which it was sent. */
  readonly sentUnder: Generation;
  /** Whether it asked for a page, and with a null cursor. */
  readonly beginsRun: boolean;
  /** Whether it carried the batch that is in flight. */
  readonly isPush: boolean;
  /** The device's clock, uncorrected, when the answer came. */
  readonly receivedAt: Stamp;
  /** False for long polls and streams, which say nothing of the clock. Spec: CLIENT-26. */
  readonly measuresClock: boolean;
};

/** What applying an answer did, for whoever shows it and for whoever asks on. */
export type Applied =
  /** The request was of an older generation: this is no answer. Spec: CLIENT-20. */
  | { readonly kind: "ignored" }
  | {
      readonly kind: "applied";
      /** The generation that the answer belongs to, and whatever follows it on the same stream. */
      readonly generation: Generation;
      /** Records of which another version is held now. */
      readonly changed: readonly RecordName[];
      /** What became of the changes that were sent. */
      readonly settlements: readonly Settlement[];
      /** Whether the client has read all that there is: no more pages, and no run under way. */
      readonly isUpToDate: boolean;
      /** Whether more is held than the answer's snapshot had: what is held may be of a life of the server that is no more. */
      readonly isAhead: boolean;
      /** Whether a digest differed and reading has begun anew. Spec: CLIENT-25. */
      readonly hasRestarted: boolean;
      /** Collections that differ from the server's although reading had just begun anew; null: nothing was compared. */
      readonly diverged: readonly string[] | null;
    };

/** How long a client that differs leaves it at that. Spec: CLIENT-25. */
const DIVERGED_MICROS = 24 * 3_600 * 1_000_000;

/** Records that a sweep reads and removes at a time. */
const SWEEP_COUNT = 1_000;

const metaNames = ["generation", "run", "cursor", "ack", "digests", "divergedUntil"] as const;

type Draft = {
  generation: Generation;
  run: StoreMeta["run"];
  cursor: Cursor | null;
  ack: Ack | null;
  divergedUntil: Stamp | null;
};

const stampOf = (text: string): Stamp => {
  const stamp = parseStamp(text);
  if (stamp === null) throw new TypeError(`the server sent no stamp: ${JSON.stringify(text)}`);
  return stamp;
};

const authorOf = (record: WireRecord): Author | null => {
  if (record.author !== undefined) return { name: record.author, verified: true };
  if (record.author_unverified === undefined) return null;
  return { name: record.author_unverified, verified: false };
};

const heldOf = (record: WireRecord, mark: Generation): HeldRecord => {
  const version: HeldRecord = {
    collection: record.collection as HeldRecord["collection"],
    key: record.key,
    seq: record.seq,
    stamp: stampOf(record.updated_at),
    value: "value" in record ? JSON.stringify(record.value) : null,
    author: authorOf(record),
    mark,
  };
  const { life, stamps = {} } = record;
  return life === undefined ? version : { ...version, fieldState: { life, stamps } };
};

/** A record before an answer, and what the answer makes of it; null: nothing is held, nothing is taken. */
type Slot = { readonly before: HeldRecord | null; after: HeldRecord | null };

/** Versions on their way into the store: read once, judged one after the other, written once. */
class Arrivals {
  readonly offers: HeldRecord[] = [];
  /** By collection, then by key: a name of both would have to be made, and hashed, for every record. */
  readonly #slots: ReadonlyMap<CollectionName, ReadonlyMap<string, Slot>>;

  constructor(slots: ReadonlyMap<CollectionName, ReadonlyMap<string, Slot>>) {
    this.#slots = slots;
  }

  static async of(tx: StoreTransaction, versions: readonly HeldRecord[]): Promise<Arrivals> {
    const held = await tx.getRecords(versions);
    const slots = new Map<CollectionName, Map<string, Slot>>();
    for (const [index, { collection, key }] of versions.entries()) {
      let byKey = slots.get(collection);
      if (byKey === undefined) slots.set(collection, (byKey = new Map()));
      if (!byKey.has(key)) byKey.set(key, { before: held[index] ?? null, after: null });
    }
    return new Arrivals(slots);
  }

  #slotOf({ collection, key }: RecordName): Slot {
    const slot = this.#slots.get(collection)?.get(key);
    if (slot === undefined) throw new Error("a version that was not announced arrives");
    return slot;
  }

  /** A version arrives: it is taken by its seq, and in an offer run what it would bury is offered. Spec: CLIENT-13, CLIENT-19, CLIENT-22. */
  take(version: HeldRecord, run: StoreMeta["run"]): void {
    const slot = this.#slotOf(version);
    const current = slot.after ?? slot.before;
    const isOfThisGeneration = current !== null && current.mark === version.mark;
    const heldSeq: Seq = isOfThisGeneration ? current.seq : 0;
    if (version.seq <= heldSeq) return;
    if (run === "offer" && current !== null && !isOfThisGeneration) {
      const { fieldState } = current;
      const isBuried =
        fieldState === undefined ? current.stamp > version.stamp : isNewsTo(version, current);
      if (isBuried) this.offers.push(current);
    }
    slot.after = version;
  }

  /**
   * What the server confirms of the client's own. In one life of a server a greater stamp has a
   * greater seq; where it has not, the seq held is of a life that a restore has ended, and to throw
   * the confirmed version away would leave this device without what it has just been promised.
   */
  confirm(version: HeldRecord, run: StoreMeta["run"]): void {
    const slot = this.#slotOf(version);
    const current = slot.after ?? slot.before;
    const isOfOtherLife =
      current !== null && version.seq <= current.seq && version.stamp > current.stamp;
    if (isOfOtherLife) slot.after = version;
    else this.take(version, run);
  }

  async write(tx: StoreTransaction, digests: HeldDigests): Promise<readonly RecordName[]> {
    const taken: HeldRecord[] = [];
    for (const byKey of this.#slots.values()) {
      for (const { before, after } of byKey.values()) {
        if (after === null) continue;
        digests.replace(before, after, after.mark);
        taken.push(after);
      }
    }
    await tx.putRecords(taken);
    return taken.map(({ collection, key }) => ({ collection, key }));
  }
}

/** What the run did not bring goes; in an offer run it is offered first. Spec: CLIENT-18, CLIENT-22. */
const sweep = async (
  tx: StoreTransaction,
  draft: Draft,
  digests: HeldDigests,
  offer: (records: readonly HeldRecord[]) => Promise<unknown>,
): Promise<readonly RecordName[]> => {
  const swept: RecordName[] = [];
  for (const collection of await tx.listCollections()) {
    let after: string | null = null;
    for (;;) {
      const scan = { after, limit: SWEEP_COUNT, markBelow: draft.generation };
      const records: readonly HeldRecord[] = await tx.scanRecords(collection, scan);
      if (records.length === 0) break;
      if (draft.run === "offer") await offer(records);
      const names = records.map(({ key }) => ({ collection, key }));
      await tx.deleteRecords(names);
      for (const record of records) digests.replace(record, null, draft.generation);
      swept.push(...names);
      after = records.at(-1)?.key ?? null;
    }
  }
  return swept;
};

/**
 * Begins to read from the beginning, under a generation of its own: not when a null cursor is sent
 * but when the first page is there. What was confirmed in between may have been deleted before that
 * page's snapshot, and a run sends no tombstone from before its start. Spec: CLIENT-17.
 */
const beginGeneration = (draft: Draft, digests: HeldDigests, run: "plain" | "offer"): void => {
  draft.generation += 1;
  draft.run = run;
  digests.beginGeneration();
};

const beginIfDue = (
  draft: Draft,
  digests: HeldDigests,
  answer: AnyAnswer,
  context: AnswerContext,
): void => {
  if (answer.reset === undefined) {
    if (context.beginsRun) beginGeneration(draft, digests, draft.run ?? "plain");
    return;
  }
  // A "drop" within an offer run starts it over as an offer run. Spec: CLIENT-21.
  const isOffer = answer.reset === "offer" || draft.run === "offer";
  beginGeneration(draft, digests, isOffer ? "offer" : "plain");
  draft.ack = null;
};

/** Compares what is held with the answer's digest, and begins anew where it differs for the first time. Spec: CLIENT-24, CLIENT-25. */
const judgeDigest = (
  draft: Draft,
  digests: HeldDigests,
  digest: WireDigest,
  now: Stamp,
): Pick<Extract<Applied, { kind: "applied" }>, "hasRestarted" | "diverged"> => {
  const differs = digests.compare(digest);
  if (differs === null) return { hasRestarted: false, diverged: null };
  if (differs.length === 0) {
    draft.divergedUntil = null;
    return { hasRestarted: false, diverged: [] };
  }
  const until = addMicros(now, DIVERGED_MICROS);
  // A time further away than it was ever set to is of a clock that was wrong, then or now.
  const isLeft =
    draft.divergedUntil !== null && now < draft.divergedUntil && draft.divergedUntil <= until;
  if (isLeft) return { hasRestarted: false, diverged: differs };
  draft.divergedUntil = until;
  draft.cursor = null;
  beginGeneration(draft, digests, "offer");
  return { hasRestarted: true, diverged: null };
};

const clockOffset = (answer: AnyAnswer, context: AnswerContext): { clockOffsetMs?: number } =>
  answer.now === undefined || !context.measuresClock
    ? {}
    : { clockOffsetMs: stampToMillis(stampOf(answer.now)) - stampToMillis(context.receivedAt) };

/**
 * Applies an answer whole, as one transaction: results, records, cursor and ack together, or nothing.
 * Spec: CLIENT-3, CLIENT-4, CLIENT-9, CLIENT-12 to CLIENT-14, CLIENT-17 to CLIENT-26.
 */
export const applyAnswer = async (
  tx: StoreTransaction,
  answer: AnyAnswer,
  context: AnswerContext,
  sha256: Runtime["sha256"],
): Promise<Applied> => {
  const meta = await tx.getMeta(metaNames);
  if (context.sentUnder !== meta.generation) return { kind: "ignored" };
  const draft: Draft = { ...meta };
  const digests = new HeldDigests(meta.digests, sha256);
  beginIfDue(draft, digests, answer, context);
  const clock = clockOffset(answer, context);
  await tx.putMeta(clock);
  const settled = context.isPush
    ? await settleBatch(tx, (answer.results ?? []).map(readResult), {
        generation: draft.generation,
        correctedNow: answer.now === undefined ? context.receivedAt : stampOf(answer.now),
        settledAt: context.receivedAt,
      })
    : { settlements: [], confirmed: [] };
  if (answer.ack !== undefined) draft.ack = answer.ack as Ack;
  const arriving = answer.changes.map((record) => heldOf(record, draft.generation));
  const arrivals = await Arrivals.of(tx, [...settled.confirmed, ...arriving]);
  for (const version of settled.confirmed) arrivals.confirm(version, draft.run);
  for (const version of arriving) arrivals.take(version, draft.run);
  const changed = [...(await arrivals.write(tx, digests))];
  const offer = (records: readonly HeldRecord[]): Promise<number> =>
    offerRecords(tx, records, { offeredAt: context.receivedAt });
  await offer(arrivals.offers);
  if (answer.cursor !== undefined) draft.cursor = answer.cursor as Cursor | null;
  if (answer.more === false && draft.run !== null) {
    changed.push(...(await sweep(tx, draft, digests, offer)));
    draft.run = null;
  }
  const isAhead = answer.digest !== undefined && digests.collectionsAbove(answer.digest).size > 0;
  const { generation } = draft;
  const judged =
    answer.digest === undefined
      ? { hasRestarted: false, diverged: null }
      : judgeDigest(draft, digests, answer.digest, context.receivedAt);
  const isUpToDate = answer.more === false && draft.run === null;
  await tx.putMeta({
    ...draft,
    digests: digests.toMeta(),
    ...(isUpToDate ? { lastSyncedAt: context.receivedAt } : {}),
  });
  const { settlements } = settled;
  return { kind: "applied", generation, changed, settlements, isUpToDate, isAhead, ...judged };
};
