import { type CollectionSet, isSameCollectionSet } from "../collection-name.ts";
import { type CursorPosition, type Decoded, headSeen } from "../cursor.ts";
import { type EpochPosition, isPositionValid, lifeOf, lifeOfSpace } from "../epoch.ts";
import type { Seq } from "../record.ts";
import type { SpaceState } from "../space-state.ts";

/** `offer`: what the client holds may be newer than this data. `drop`: what it holds may have been deleted here, or was given up. */
export type Reset = "offer" | "drop";

export type PullRequest = {
  readonly cursor: Decoded<CursorPosition>;
  readonly ack: Decoded<EpochPosition>;
  readonly collections: CollectionSet;
  /** True in each later request of an offer run: every tombstone is sent. */
  readonly tombstones: boolean;
  /** The head that this request's own push left: a delete after it may be of what `results` told. */
  readonly startMax?: Seq;
};

/** Which records of a snapshot answer a pull: those with `seq > after`, tombstones only with `seq > tombstonesAfter`. */
export type PullPlan = {
  readonly reset: Reset | null;
  readonly after: Seq;
  readonly tombstonesAfter: Seq;
  /** The head when the present run from the beginning began; null outside such a run. */
  readonly start: Seq | null;
};

/** What a cursor or an ack alone calls for. What was made in a life that was given up is not wanted back. */
const resetFor = (state: SpaceState | null, position: Decoded<EpochPosition>): Reset | null => {
  if (position === null) return null;
  if (position === "invalid" || state === null) return "offer";
  if (isPositionValid(state.epochs, state.head, position)) return null;
  return lifeOf(position.epoch) < lifeOfSpace(state.epochs) ? "drop" : "offer";
};

/** How far a cursor's holder has seen this data: further than its seq while more is left to read. */
const seenBy = (cursor: Decoded<CursorPosition>): Decoded<EpochPosition> =>
  cursor === null || cursor === "invalid" ? cursor : { epoch: cursor.epoch, seq: headSeen(cursor) };

const resetOf = (state: SpaceState | null, request: PullRequest): Reset | null => {
  const { cursor, ack } = request;
  const resets = new Set([resetFor(state, seenBy(cursor)), resetFor(state, ack)]);
  if (resets.has("offer")) return "offer";
  if (resets.has("drop")) return "drop";
  if (cursor === null || cursor === "invalid" || state === null) return null;
  const isOtherSet = !isSameCollectionSet(cursor.collections, request.collections);
  // A run from the beginning began above the floor or saw no tombstone at all: `start` lets it end.
  const isBelowFloor = Math.max(cursor.seq, cursor.start ?? 0) < state.floor;
  return isOtherSet || isBelowFloor ? "drop" : null;
};

/**
 * Decides how one snapshot answers a pull. `state` null: the space does not exist and answers as an
 * empty one. A reset is judged in this order: `offer`, then `drop`. Spec: PULL-*, RESET-*.
 */
export const planPull = (state: SpaceState | null, request: PullRequest): PullPlan => {
  const reset = resetOf(state, request);
  const { cursor } = request;
  if (reset !== null || cursor === null || cursor === "invalid") {
    const start = Math.min(state?.head ?? 0, request.startMax ?? Number.POSITIVE_INFINITY);
    const sendsAll = request.tombstones || reset === "offer";
    return { reset, after: 0, tombstonesAfter: sendsAll ? 0 : start, start };
  }
  const tombstonesAfter = request.tombstones ? 0 : (cursor.start ?? 0);
  return { reset, after: cursor.seq, tombstonesAfter, start: cursor.start };
};

/** The position after a page: the head once nothing is left, else the last seq looked at. Null in a space that does not exist. */
export const endOfPage = (
  state: SpaceState | null,
  plan: PullPlan,
  collections: CollectionSet,
  page: { readonly more: boolean; readonly lastSeq: Seq },
): CursorPosition | null => {
  const epoch = state?.epochs.at(-1)?.epoch;
  if (state === null || epoch === undefined) return null;
  if (!page.more) return { epoch, seq: state.head, collections, start: null };
  const position = { epoch, seq: page.lastSeq, collections, start: plan.start };
  return state.head > headSeen(position) ? { ...position, head: state.head } : position;
};
