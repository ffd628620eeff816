import { type Runtime, toHex } from "./runtime.ts";
import type { Seq } from "./record.ts";

declare const epochBrand: unique symbol;

/** The name of one unbroken life of a server's data: 20 hexadecimal digits, drawn at random. */
export type Epoch = string & { readonly [epochBrand]: true };

/** From which seq on a space's changes belong to an epoch: the head just before the epoch's first write. */
export type EpochEntry = { readonly epoch: Epoch; readonly fromSeq: Seq };

/** Entries that a space keeps, the oldest go first. */
export const EPOCHS_MAX = 200;

export const drawEpoch = (runtime: Pick<Runtime, "randomBytes">): Epoch =>
  toHex(runtime.randomBytes(10)) as Epoch;

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

/** The list after a first write at `head` under `epoch`; the same list if that epoch is already the last. */
export const listEpoch = (
  epochs: readonly EpochEntry[],
  epoch: Epoch,
  head: Seq,
): readonly EpochEntry[] =>
  epochs.at(-1)?.epoch === epoch
    ? epochs
    : [...epochs, { epoch, fromSeq: head }].slice(-EPOCHS_MAX);
