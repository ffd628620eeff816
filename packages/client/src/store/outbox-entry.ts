import type { Rejection, Seq, Stamp } from "@synchro/core";
import type { FieldStamps } from "./field-state.ts";
import type { Generation, RecordName } from "./held-record.ts";

/** Counted up from 1 within a store and never given twice; the order in which edits were made. */
export type EntryId = number;

/**
 * The version that an edit replaced, noted at the edit, in its own transaction. It bounds the stamp
 * from below and gives `base`. Spec: CLIENT-8, CLIENT-27.
 */
export type Replaced = {
  /** The greatest stamp known of what was replaced; null if nothing was, or if its stamp is still to come with `after`. */
  readonly stamp: Stamp | null;
  /** The seq held of that version; 0 if it has none. */
  readonly seq: Seq;
  /** The generation of which `seq` speaks: under any other one it is never sent. */
  readonly mark: Generation;
  /**
   * An entry of the same record that is still in the outbox and was replaced too, or goes first: its
   * stamp and its seq are taken over when it leaves. Until then this entry can't be sent.
   */
  readonly after: EntryId | null;
};

/** What an entry changes of a record in a collection with the policy `fields`. Spec: CLIENT-29. */
export type Patch = {
  /** Of the version that the entry makes. Odd: live; even: deleted. */
  readonly life: number;
  /** The fields that it sets, or removes where the value has none; null: the version is all its own. */
  readonly fields: readonly string[] | null;
  /** Of an offer: the stored stamps, one a field. Absent: all have the entry's. */
  readonly stamps?: FieldStamps;
};

/** A change that the server has not answered yet. */
export type OutboxEntry = RecordName & {
  readonly id: EntryId;
  /** The value wished for, as JSON text; null: deleted. */
  readonly value: string | null;
  /** Null until the first send; from then on the bytes may have left, and value and stamp stand fixed. Of an offer it is the stored stamp from the start. */
  readonly stamp: Stamp | null;
  /** Absent: the value counts as a whole. */
  readonly patch?: Patch;
  readonly replaced: Replaced;
  /** Who made it, whoever is at the device when it is sent; null: the token's subject. */
  readonly author: string | null;
  /** A version that the server gave earlier and may have lost: brought back, not written here (CLIENT-22). */
  readonly isOffer: boolean;
  /** The device's clock, uncorrected, at the edit. */
  readonly editedAt: Stamp;
  /** The version of the collection's declaration that `value` follows. */
  readonly schemaVersion: number;
};

/** A change that was refused for good. It stays until the user edits, retries or discards it (CLIENT-5). */
export type DeadLetter = {
  /** As it stood in the outbox when it was refused, its id included. */
  readonly entry: OutboxEntry;
  readonly rejection: Rejection;
  /** The device's clock, uncorrected. */
  readonly refusedAt: Stamp;
};
