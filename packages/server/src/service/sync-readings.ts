import {
  type AssignChange,
  type CollectionName,
  compareCodePoints,
  type Cursor,
  decodeCursor,
  digestOf,
  encodeCursor,
  planPull,
  type Runtime,
  type Seq,
  type SpaceId,
  type SpaceState,
  type Stamp,
  type StoredRecord,
} from "@synchro/core";
import type { SpaceSnapshot, Store } from "../store/store.ts";
import type { Push, PushRefusal } from "./push.ts";
import { type Reading, readingOf } from "./reading.ts";

const readings = "readings" as CollectionName;

/** Records looked up at a time. */
const LOOKUP_KEYS = 64;

export type ReadingsInput = {
  readonly space: SpaceId;
  /** Applied in order before anything is read. */
  readonly sent: readonly AssignChange[];
  /** Returns what is newer than this instant; null: everything. Not looked at where there is a cursor. */
  readonly lastSyncDate: Stamp | null;
  /** Returns what this cursor lacks; `""`: everything; null: the date decides. */
  readonly cursor: string | null;
};

export type ReadingsTail = {
  readonly now: Stamp;
  /** `""` in a space that does not exist. Null: the date withheld something, so no cursor would be true. */
  readonly cursor: Cursor | "" | null;
  readonly isReset: boolean;
};

export type ReadingsAnswer =
  | {
      readonly kind: "open";
      /** Newest stamp first, ties by gtin; read as they are taken, with flat memory. Ending it early closes the snapshot. */
      readonly chunks: AsyncGenerator<readonly Reading[], ReadingsTail>;
    }
  | PushRefusal;

export type SyncReadings = (input: ReadingsInput) => Promise<ReadingsAnswer>;

type Wanted = {
  readonly afterStamp: Stamp | null;
  readonly afterSeq: Seq;
  readonly isReset: boolean;
};

const wanted = (state: SpaceState | null, input: ReadingsInput): Wanted => {
  if (input.cursor === null) {
    return { afterStamp: input.lastSyncDate, afterSeq: 0, isReset: false };
  }
  const plan = planPull(state, {
    cursor: input.cursor === "" ? null : decodeCursor(input.cursor),
    ack: null,
    collections: [readings],
    tombstones: false,
  });
  return { afterStamp: null, afterSeq: plan.after, isReset: plan.reset !== null };
};

const newestFirst = (a: Reading, b: Reading): number => {
  if (a.stamp !== b.stamp) return a.stamp > b.stamp ? -1 : 1;
  return compareCodePoints(a.gtin, b.gtin);
};

const isWanted = (reading: Reading, { afterStamp, afterSeq }: Wanted): boolean =>
  reading.seq > afterSeq && (afterStamp === null || reading.stamp > afterStamp);

const readingsOf = (records: readonly StoredRecord[]): readonly Reading[] =>
  records.flatMap((record) => readingOf(record) ?? []);

/** The stored records of the gtins sent that the date or the cursor alone would not bring. */
const sentBeyond = async (
  snapshot: SpaceSnapshot,
  input: ReadingsInput,
  filter: Wanted,
): Promise<readonly Reading[]> => {
  const gtins = [...new Set(input.sent.map((change) => change.key))];
  const beyond: Reading[] = [];
  // By and by: a value may be large, and of each only its date is kept.
  for (let at = 0; at < gtins.length; at += LOOKUP_KEYS) {
    const stored = await snapshot.lookup(readings, gtins.slice(at, at + LOOKUP_KEYS));
    beyond.push(...readingsOf(stored).filter((reading) => !isWanted(reading, filter)));
  }
  return beyond.toSorted(newestFirst);
};

/** Merges `extra` into chunks of records that are in the same order. */
async function* mergeInOrder(
  chunks: AsyncIterable<readonly StoredRecord[]>,
  extra: readonly Reading[],
): AsyncGenerator<readonly Reading[]> {
  let next = 0;
  for await (const chunk of chunks) {
    const merged: Reading[] = [];
    for (const reading of readingsOf(chunk)) {
      for (let other = extra[next]; other !== undefined; other = extra[next]) {
        if (newestFirst(other, reading) > 0) break;
        merged.push(other);
        next += 1;
      }
      merged.push(reading);
    }
    yield merged;
  }
  if (next < extra.length) yield extra.slice(next);
}

const cursorAtHead = (state: SpaceState | null): Cursor | "" => {
  const epoch = state?.epochs.at(-1)?.epoch;
  if (state === null || epoch === undefined) return "";
  return encodeCursor({ epoch, seq: state.head, collections: [readings], start: null });
};

async function* readSnapshot(
  deps: { readonly store: Store; readonly runtime: Runtime },
  input: ReadingsInput,
): AsyncGenerator<readonly Reading[], ReadingsTail> {
  const now = deps.runtime.now();
  const snapshot = await deps.store.openSnapshot(input.space);
  try {
    const { state } = snapshot;
    const filter = wanted(state, input);
    const extra = await sentBeyond(snapshot, input, filter);
    let seen = 0;
    for await (const chunk of mergeInOrder(snapshot.liveByStamp(readings, filter), extra)) {
      seen += chunk.length;
      yield chunk;
    }
    // All that lives was looked at, so nothing was withheld by the date and a cursor tells the truth.
    const isComplete = state === null || seen === digestOf(state, readings).count;
    const hasCursor = input.cursor !== null || isComplete;
    return { now, cursor: hasCursor ? cursorAtHead(state) : null, isReset: filter.isReset };
  } finally {
    await snapshot.close();
  }
}

/**
 * The origin's exchange: what was sent is applied in order, then one snapshot that includes it is
 * read. Which of the records equal what was sent is left to the caller, who knows the dialect.
 * Spec: V1-*.
 */
export const createSyncReadings =
  (deps: { readonly store: Store; readonly push: Push; readonly runtime: Runtime }): SyncReadings =>
  async (input) => {
    const { space, sent } = input;
    if (sent.length > 0) {
      const push = await deps.push({ space, clientId: null, changes: sent, checksClocks: false });
      if (push.kind !== "committed") return push;
    }
    return { kind: "open", chunks: readSnapshot(deps, input) };
  };
