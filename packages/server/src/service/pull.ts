import {
  type CollectionName,
  type CollectionSet,
  type Cursor,
  decodeAck,
  decodeCursor,
  type Digest,
  encodeCursor,
  type PullRequest,
  type Reset,
  type Seq,
  type SpaceId,
  type StoredRecord,
} from "@synchro/core";
import type { Limits } from "@synchro/protocol";
import type { Store } from "../store/store.ts";

/** What a client says of where it stands, before decoding; texts that no server made are judged, not refused. */
export type PullInput = {
  readonly space: SpaceId;
  readonly cursor: string | null;
  readonly ack: string | null;
  readonly collections: CollectionSet;
  readonly tombstones: boolean;
  /** Records in a page; null: the default. */
  readonly limit: number | null;
  readonly bytesMax?: number;
  readonly told?: ReadonlySet<Seq>;
  /** The head that this request's own push left; absent: it had none. */
  readonly startMax?: Seq;
  /** A head that was announced: nothing older is read. */
  readonly seqMin?: Seq;
};

export type PullAnswer = {
  readonly reset: Reset | null;
  readonly records: readonly StoredRecord[];
  readonly more: boolean;
  /** Null in a space that does not exist. */
  readonly cursor: Cursor | null;
  /** Only where `more` is false. */
  readonly digest: {
    readonly at: Seq;
    readonly collections: ReadonlyMap<CollectionName, Digest>;
  } | null;
};

export type Pull = (input: PullInput) => Promise<PullAnswer>;

const nothingTold: ReadonlySet<Seq> = new Set();

const decode = (input: PullInput): PullRequest => ({
  cursor: input.cursor === null ? null : decodeCursor(input.cursor),
  ack: input.ack === null ? null : decodeAck(input.ack),
  collections: input.collections,
  tombstones: input.tombstones,
  ...(input.startMax === undefined ? {} : { startMax: input.startMax }),
});

/** Answers from one snapshot with what the client lacks. Spec: PULL-*, RESET-*, DIGEST-*. */
export const createPull =
  (deps: { readonly store: Store; readonly limits: Limits }): Pull =>
  async (input) => {
    const outcome = await deps.store.pull({
      ...decode(input),
      space: input.space,
      recordsMax: Math.min(
        input.limit ?? deps.limits.pageRecordsDefault,
        deps.limits.pageRecordsMax,
      ),
      bytesMax: input.bytesMax ?? deps.limits.pageBytesMax,
      told: input.told ?? nothingTold,
      ...(input.seqMin === undefined ? {} : { seqMin: input.seqMin }),
    });
    return {
      reset: outcome.reset,
      records: outcome.records,
      more: outcome.more,
      cursor: outcome.position === null ? null : encodeCursor(outcome.position),
      digest: outcome.more ? null : { at: outcome.head, collections: outcome.digests },
    };
  };

/** What to ask next in the same run: the cursor moves, and an offer run goes on asking for every tombstone. */
export const nextPullInput = (input: PullInput, answer: PullAnswer): PullInput => {
  const isRunOver = !answer.more;
  return {
    ...input,
    cursor: answer.cursor,
    tombstones: !isRunOver && (input.tombstones || answer.reset === "offer"),
  };
};
