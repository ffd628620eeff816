import { type Runtime, toHex } from "./runtime.ts";
import type { Seq } from "./record.ts";

declare const epochBrand: unique symbol;

/**
 * The name of one unbroken stretch of a server's data: 20 hexadecimal digits, drawn at random, and
 * from the second life on `f` and the life's number. See {@link lifeOf}.
 */
export type Epoch = string & { readonly [epochBrand]: true };

/** From which seq on a space's changes belong to an epoch: the head just before the epoch's first write. */
export type EpochEntry = { readonly epoch: Epoch; readonly fromSeq: Seq };

/** Entries that a space keeps, the oldest go first. */
export const EPOCHS_MAX = 200;

export const drawEpoch = (runtime: Pick<Runtime, "randomBytes">): Epoch =>
  toHex(runtime.randomBytes(10)) as Epoch;

const laterLife = /^[0-9a-f]{20}f([1-9]\d{0,14})$/;

/**
 * How many times the data that an epoch belongs to had been given up for good when it began: by a
 * restore that is final, or by an erasure. What clients hold of a lower life is not wanted back.
 * It stands in the name because the data that were given up are the only place that knew their
 * epochs: a cursor has to tell by itself on which side of the cut it was made. Spec: EPOCH-7.
 */
export const lifeOf = (epoch: Epoch): number => Number(laterLife.exec(epoch)?.[1] ?? 0);

/** A drawn epoch as it is called in a life. */
export const epochInLife = (drawn: Epoch, life: number): Epoch =>
  life === 0 ? drawn : (`${drawn}f${life}` as Epoch);

/** The present life of a space: that of its last listed epoch. */
export const lifeOfSpace = (epochs: readonly EpochEntry[]): number => {
  const last = epochs.at(-1);
  return last === undefined ? 0 : lifeOf(last.epoch);
};

/** A place in a space's life that a cursor or an ack names. */
export type EpochPosition = { readonly epoch: Epoch; readonly seq: Seq };

/**
 * Whether what a client holds up to `position` is a prefix of this data: the epoch is listed, and
 * its seq is at most the next entry's `fromSeq`, or, for the last entry, at most the head. So a
 * clean restart resets nobody, and a restore from a backup is noticed by all who saw more.
 */
export const isPositionValid = (
  epochs: readonly EpochEntry[],
  head: Seq,
  position: EpochPosition,
): boolean => {
  const index = epochs.findLastIndex((entry) => entry.epoch === position.epoch);
  if (index === -1) return false;
  return position.seq <= (epochs[index + 1]?.fromSeq ?? head);
};

/**
 * The list after `drawn` has begun at `head` in `life`, by default the life that the space is in; the
 * same list if that epoch is already the last.
 */
export const listEpoch = (
  epochs: readonly EpochEntry[],
  drawn: Epoch,
  head: Seq,
  life = lifeOfSpace(epochs),
): readonly EpochEntry[] => {
  const epoch = epochInLife(drawn, life);
  return epochs.at(-1)?.epoch === epoch
    ? epochs
    : [...epochs, { epoch, fromSeq: head }].slice(-EPOCHS_MAX);
};
