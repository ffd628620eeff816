import type { Author, CollectionName, Seq, Stamp } from "@synchro/core";
import type { FieldState } from "./field-state.ts";

/** What names a record within the space that a store belongs to. */
export type RecordName = { readonly collection: CollectionName; readonly key: string };

/**
 * How often this store has begun to read from the beginning: 0 before the first time. Whatever
 * arrives is marked with it. Spec: CLIENT-17, CLIENT-18.
 */
export type Generation = number;

/** A version of a record as the server gave it, or confirmed it by `{"seq"}`: the base under the user's own edits. */
export type HeldRecord = RecordName & {
  readonly seq: Seq;
  readonly stamp: Stamp;
  /** The value as JSON text; null is a tombstone. */
  readonly value: string | null;
  readonly author: Author | null;
  /** In a collection with the policy `fields`; absent in any other. */
  readonly fieldState?: FieldState;
  /** The generation under which it last arrived or was confirmed. Under an older one its seq counts as 0 (CLIENT-19). */
  readonly mark: Generation;
};
